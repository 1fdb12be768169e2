// All calls of `kith.v1`, typed by the messages: services({ server, token }).log.append({ ... }).
import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { AdminService } from "./gen/kith/v1/admin_pb.js";
import { AuditService } from "./gen/kith/v1/audit_pb.js";
import { DirectoryService } from "./gen/kith/v1/directory_pb.js";
import { LogService } from "./gen/kith/v1/log_pb.js";
import { NetworkService } from "./gen/kith/v1/network_pb.js";
import { PluginService } from "./gen/kith/v1/plugin_pb.js";
import { MemberService } from "./gen/kith/v1/members_pb.js";
import { RecordsService } from "./gen/kith/v1/records_pb.js";
import { SessionService } from "./gen/kith/v1/session_pb.js";
import { ViewService } from "./gen/kith/v1/view_pb.js";
import { WebhookService } from "./gen/kith/v1/webhook_pb.js";
import { call, stream, type CallOptions, type Connection, type Messages } from "./rpc.js";

type Input<M extends DescMethod> = MessageInitShape<M["input"]>;
type Output<M extends DescMethod> = MessageShape<M["output"]>;

/** One call: its answer, or the stream of its answers. A client stream takes all its messages at once. */
export type Call<M extends DescMethod> = M["methodKind"] extends "unary"
  ? (input: Input<M>, options?: CallOptions) => Promise<Output<M>>
  : M["methodKind"] extends "server_streaming"
    ? (input: Input<M>, options?: CallOptions) => AsyncGenerator<Output<M>, void, undefined>
    : (inputs: Messages<M["input"]>, options?: CallOptions) => AsyncGenerator<Output<M>, void, undefined>;

/** The calls of a service, by name. */
export type Calls<S extends DescService> = { readonly [K in keyof S["method"]]: S["method"][K] extends DescMethod ? Call<S["method"][K]> : never };

/** The calls of one service. */
export function calls<S extends DescService>(connection: Connection, service: S): Calls<S> {
  const typed = service.methods.map((method) => [
    method.localName,
    (input: never, options?: CallOptions) => (method.methodKind === "unary" ? call(connection, method, input, options) : stream(connection, method, input, options)),
  ]);
  return Object.fromEntries(typed) as Calls<S>;
}

/** The calls of every service. */
export interface Services {
  readonly log: Calls<typeof LogService>;
  readonly directory: Calls<typeof DirectoryService>;
  readonly views: Calls<typeof ViewService>;
  readonly plugins: Calls<typeof PluginService>;
  readonly audit: Calls<typeof AuditService>;
  readonly networks: Calls<typeof NetworkService>;
  readonly sessions: Calls<typeof SessionService>;
  readonly admin: Calls<typeof AdminService>;
  readonly members: Calls<typeof MemberService>;
  readonly records: Calls<typeof RecordsService>;
  readonly webhooks: Calls<typeof WebhookService>;
}

/** All calls over one connection. Nothing is sent before the first call. */
export function services(connection: Connection): Services {
  return {
    log: calls(connection, LogService),
    directory: calls(connection, DirectoryService),
    views: calls(connection, ViewService),
    plugins: calls(connection, PluginService),
    audit: calls(connection, AuditService),
    networks: calls(connection, NetworkService),
    sessions: calls(connection, SessionService),
    admin: calls(connection, AdminService),
    members: calls(connection, MemberService),
    records: calls(connection, RecordsService),
    webhooks: calls(connection, WebhookService),
  };
}
