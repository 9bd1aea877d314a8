import {
  type BlastRadius,
  createDependencyMap,
  describeBlastRadius,
  type LikelyCause,
  likelyCause,
} from '../../alerts/index.ts'
import type { Config } from '../../config/types.ts'
import type { IncidentRecord } from '../../postmortem/index.ts'
import { html, type Markup } from '../html.ts'
import { card, said, severity } from './parts.ts'

export type Blast = {
  readonly radius: BlastRadius
  readonly cause: LikelyCause | undefined
}

/** Who leans on what is hit, and what probably stands behind the rest, by the watchlist's dependency map. */
export const readBlast = (config: Config, { alerts }: Pick<IncidentRecord, 'alerts'>): Blast => {
  const map = createDependencyMap(config)
  return { radius: describeBlastRadius(map, alerts), cause: likelyCause(map, alerts) }
}

const dollars = (value: number): string => `${Math.round(value).toLocaleString('en-US')} US dollars`

const SHOWN = 12

/** Empty when the map has nothing to say. */
export const renderBlast = ({ radius, cause }: Blast): Markup => {
  const { hit, leaning, valueUsd, unknownValues } = radius
  return html`${
    cause
      ? card(
          'Likely cause',
          html`<div class="row"><div class="line">${severity(cause.severity)}<span class="grow title"><a href="/alerts/${cause.alertId}">${said(cause.title, 160)}</a></span></div><p>${said(cause.why, 300)}</p></div>`,
        )
      : ''
  }${
    hit.length === 0
      ? ''
      : card(
          'Blast radius',
          html`<div class="graph"><div class="lane"><span class="mute">hit</span>${hit.slice(0, SHOWN).map(({ name, kind }) => html`<span><strong>${said(name, 60)}</strong> <span class="mute">${said(kind, 30)}</span></span>`)}</div>${
            leaning.length === 0
              ? html`<div class="lane mute">Nobody else leans on it, as far as the watchlist says.</div>`
              : leaning
                  .slice(0, SHOWN)
                  .map(
                    ({ name, kind, steps, through }) =>
                      html`<div class="lane"><span class="mute num">${steps} away</span><strong>${said(name, 60)}</strong><span class="mute">${said(kind, 30)}, through ${said(through, 60)}</span></div>`,
                  )
          }${leaning.length > SHOWN ? html`<div class="lane mute">and ${leaning.length - SHOWN} more</div>` : ''}${valueUsd === null ? '' : html`<div class="lane"><span class="mute">what lies there</span><strong class="num">${dollars(valueUsd)}</strong>${unknownValues > 0 ? html`<span class="mute">and ${unknownValues} without a value</span>` : ''}</div>`}</div>`,
        )
  }`
}
