// What each role permits, in the order of how much that is. The operator's is of the server, and nobody's in a network.
import { Role } from 'kith-client/gen/event'

export const roles: readonly (readonly [Role, string])[] = [
  [Role.READER, 'reads what its scope allows'],
  [Role.RECORDER, 'reads and records'],
  [Role.ANALYST, 'reads, and installs plugins'],
  [Role.AUDITOR, 'reads, and asks for proofs'],
  [Role.RECORDS_OFFICER, 'reads, withdraws, and erases or holds words'],
  [Role.OWNER, 'everything in the network'],
]
