// What a caller may do: a mirror of `may` in server/core/src/may.rs, to hide what cannot be done. The server decides.
import { Role } from 'kith-client/gen/event'

/** Who calls, as `WhoAmI` says. */
export interface Caller {
  readonly principal: string
  readonly role: Role
  /** The person it speaks for; may be empty. */
  readonly person: string
  /** The organisation it belongs to; may be empty. */
  readonly organisation: string
  /** Whether it may enter every network of the server. */
  readonly wholeServer: boolean
}

/** What is needed of an entry to decide whether it may be withdrawn. */
export interface Recorded {
  readonly recordedBy: string
  readonly organisation: string
  /** Whether it is a habit, a custom event or a merge. */
  readonly isRetractable: boolean
}

export type Action =
  | 'administer server'
  | 'operate server'
  | 'administer tokens'
  | 'administer tokens of network'
  | 'record'
  | 'record for organisation'
  | 'add organisation'
  | 'change plugin of network'
  | 'change plugin of organisation'
  | 'erase'

const RECORDERS: readonly Role[] = [Role.RECORDER, Role.RECORDS_OFFICER, Role.OWNER]
const ANALYSTS: readonly Role[] = [Role.ANALYST, Role.OWNER]
/** Who answers for what is kept and erased, in its organisation or in the network. */
const KEEPERS: readonly Role[] = [Role.RECORDS_OFFICER, Role.OWNER]

export function may(caller: Caller, action: Action): boolean {
  const { role, organisation, wholeServer } = caller
  switch (action) {
    case 'administer server':
      return wholeServer && role === Role.OWNER
    case 'operate server':
      return wholeServer && (role === Role.OPERATOR || role === Role.OWNER)
    case 'administer tokens':
      return role === Role.OWNER
    case 'administer tokens of network':
      return role === Role.OWNER && organisation === ''
    case 'record':
      return RECORDERS.includes(role)
    case 'record for organisation':
      return RECORDERS.includes(role) && organisation !== ''
    case 'add organisation':
      return role === Role.OWNER && organisation === ''
    case 'change plugin of network':
      return ANALYSTS.includes(role)
    case 'change plugin of organisation':
      return ANALYSTS.includes(role) && organisation !== ''
    case 'erase':
      return KEEPERS.includes(role)
  }
}

/** Whether the caller may erase words of an organisation: a person's whose organisation it is, or details that it recorded. */
export const mayErase = (caller: Caller, organisation: string): boolean => may(caller, 'erase') && (caller.organisation === '' || caller.organisation === organisation)

/** Whether the caller may lift a hold that an organisation set, or the network if it is empty. */
export const mayLift = (caller: Caller, organisation: string): boolean => may(caller, 'erase') && (caller.organisation === organisation || (caller.organisation === '' && caller.role === Role.OWNER))

/** Whether the caller may let somebody into an organisation, as a member or with a token, or into the network if it is empty:
    one with an owner of its own does that alone. */
export const mayLetIn = (caller: Caller, organisation: string, hasOwner: boolean): boolean => may(caller, 'administer tokens') && (caller.organisation === '' ? !hasOwner : caller.organisation === organisation)

/** Whether the caller may end memberships and tokens of an organisation, or of none. */
export const mayEnd = (caller: Caller, organisation: string): boolean => may(caller, 'administer tokens') && (caller.organisation === '' || caller.organisation === organisation)

/** Whether the caller may withdraw an entry that it sees. */
export function mayRetract(caller: Caller, entry: Recorded): boolean {
  if (!entry.isRetractable) return false
  if (caller.role === Role.OWNER) return true
  const own = caller.principal === entry.recordedBy
  if (caller.role === Role.RECORDER) return own
  const inOwnOrganisation = caller.organisation !== '' && caller.organisation === entry.organisation
  return caller.role === Role.RECORDS_OFFICER && (own || inOwnOrganisation)
}

/** What roles are called. */
export const roleNames: Readonly<Record<Role, string>> = {
  [Role.UNSPECIFIED]: 'nobody',
  [Role.READER]: 'reader',
  [Role.RECORDER]: 'recorder',
  [Role.ANALYST]: 'analyst',
  [Role.AUDITOR]: 'auditor',
  [Role.RECORDS_OFFICER]: 'records officer',
  [Role.OWNER]: 'owner',
  [Role.OPERATOR]: 'operator',
}
