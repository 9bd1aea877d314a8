import type { OnCallConfig, Person } from './types.ts'

/** Somebody of `onCall.people`, by the key that they have there. */
export type Known = { readonly key: string; readonly person: Person }

const ACCOUNTS = {
  slack: 'slack',
  telegram: 'telegram',
  discord: 'discord',
  pagerduty: 'pagerduty',
  twilio: 'phone',
} as const

/** Whose account it is at a vendor; undefined for a stranger. */
export const personAt = (
  config: Pick<OnCallConfig, 'people'>,
  vendor: string,
  account: string,
): Known | undefined => {
  const field = Object.hasOwn(ACCOUNTS, vendor)
    ? ACCOUNTS[vendor as keyof typeof ACCOUNTS]
    : undefined
  if (field === undefined || account === '') return undefined
  for (const [key, person] of Object.entries(config.people)) {
    if (person.accounts[field] === account) return { key, person }
    // A number that pages go to is as good as one that is named for answers.
    const isReached =
      vendor === 'twilio' &&
      person.contacts.some((contact) => typeof contact !== 'string' && contact.to === account)
    if (isReached) return { key, person }
  }
  return undefined
}

export const shownName = ({ key, person }: Known): string => person.name ?? key

const ORDER = ['viewer', 'responder', 'approver', 'admin'] as const

/** Whether a person may do what a role may. */
export const hasRole = ({ person }: Known, role: (typeof ORDER)[number]): boolean =>
  ORDER.indexOf(person.role) >= ORDER.indexOf(role)
