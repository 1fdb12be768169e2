export { KithError, type ErrorDetails, type ErrorKind, type FieldViolation } from "./errors.js";
export { meaning, reasonName, type Meaning, type Reason } from "./reasons.js";
export { call, stream, type CallOptions, type Connection, type Messages } from "./rpc.js";
export { calls, services, type Call, type Calls, type Services } from "./services.js";
