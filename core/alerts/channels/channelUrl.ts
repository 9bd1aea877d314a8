import { TocsinError } from '../../base/index.ts'

/**
 * The URL of a channel; `path` is put behind it.
 * @throws TocsinError `channel.bad_url` when it is not http(s) or holds user and password
 */
export const channelUrl = (name: string, text: string, path = ''): URL => {
  const whole = path === '' ? text : `${text.replace(/\/+$/, '')}${path}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  if (
    url &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    !url.username &&
    !url.password
  ) {
    return url
  }
  throw new TocsinError('channel.bad_url', `The URL of channel "${name}" cannot be used.`, {
    hints: ['It must be http or https, without user and password in it.'],
  })
}
