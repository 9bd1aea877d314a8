export { type AuditRow, listDeeds, noteDeed } from './auth/audit.ts'
export { endSessionsOf, listSessions } from './auth/sessions.ts'
export {
  type ApiToken,
  createToken,
  createTokenDoor,
  listTokens,
  revokeToken,
  type TokenDoor,
} from './auth/tokens.ts'
export {
  addUser,
  changeUser,
  listUsers,
  parseRole,
  type User,
  type UserBook,
  type UserChange,
  userNameOf,
} from './auth/users.ts'
export { type Principal, ROLES, type Role, SCOPES, type Scope } from './principal.ts'
export { type RunningConsole, startConsole } from './startConsole.ts'
