// Reads the descriptors that generated messages carry, in place of the library's own `fileDesc`. That one needs the
// messages of descriptor.proto, which no bundler can leave out and which weigh more than all messages of Kith. Only what
// our files have is read, and a test holds the result to the library's: messages, enums and services at the top, fields,
// oneofs and methods.
import { createFileRegistry, type DescFile } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";

type Holds = "text" | "number" | "flag" | Shape;
/** What a message of descriptor.proto holds: values of fields that are not set, and fields by number, `many` if repeated. */
interface Shape {
  readonly unset?: object;
  readonly fields: Readonly<Record<number, readonly [name: string, holds: Holds, many?: "many"]>>;
}

const NAMED: Shape = { fields: { 1: ["name", "text"] } };
const ENUM: Shape = { fields: { 1: ["name", "text"], 2: ["value", { fields: { 1: ["name", "text"], 2: ["number", "number"] } }, "many"] } };
const FIELD: Shape = {
  unset: { label: 1, typeName: "", extendee: "", defaultValue: "", oneofIndex: 0, jsonName: "", proto3Optional: false },
  fields: {
    1: ["name", "text"],
    3: ["number", "number"],
    4: ["label", "number"],
    5: ["type", "number"],
    6: ["typeName", "text"],
    9: ["oneofIndex", "number"],
    17: ["proto3Optional", "flag"],
  },
};
const MESSAGE: Shape = { fields: { 1: ["name", "text"], 2: ["field", FIELD, "many"], 8: ["oneofDecl", NAMED, "many"] } };
const METHOD: Shape = {
  unset: { clientStreaming: false, serverStreaming: false },
  fields: { 1: ["name", "text"], 2: ["inputType", "text"], 3: ["outputType", "text"], 5: ["clientStreaming", "flag"], 6: ["serverStreaming", "flag"] },
};
const SERVICE: Shape = { fields: { 1: ["name", "text"], 2: ["method", METHOD, "many"] } };
const FILE: Shape = {
  unset: { edition: 0 },
  fields: { 1: ["name", "text"], 2: ["package", "text"], 4: ["messageType", MESSAGE, "many"], 5: ["enumType", ENUM, "many"], 6: ["service", SERVICE, "many"], 12: ["syntax", "text"] },
};
/** Every repeated field: those that are not read are empty. */
const LISTS = ["dependency", "messageType", "enumType", "service", "extension", "field", "nestedType", "oneofDecl", "extensionRange", "value", "method"];

type Proto = Record<string, unknown>;

/** A file's descriptor; `imports` are those of the files that it imports. */
export function fileDesc(base64: string, imports: readonly DescFile[] = []): DescFile {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const proto = read(bytes, FILE);
  Object.assign(proto, { $typeName: "google.protobuf.FileDescriptorProto", dependency: imports.map((file) => file.proto.name) });
  for (const field of (proto["messageType"] as Proto[]).flatMap((message) => message["field"] as Proto[])) field["jsonName"] = camelCase(field["name"] as string);
  const registry = createFileRegistry(proto as unknown as DescFile["proto"], (name) => imports.find((file) => file.proto.name === name));
  return registry.getFile(proto["name"] as string)!;
}

/** A value that is set is the message's own; one that is not is inherited. */
function read(bytes: Uint8Array, { unset = {}, fields }: Shape): Proto {
  const message = Object.create(unset) as Proto;
  for (const list of LISTS) message[list] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = fields[number];
    if (!field) {
      reader.skip(type, number);
      continue;
    }
    const [name, holds, many] = field;
    const value = readValue(reader, holds);
    if (many) (message[name] as unknown[]).push(value);
    else message[name] = value;
  }
  return message;
}

function readValue(reader: BinaryReader, holds: Holds): unknown {
  if (typeof holds === "object") return read(reader.bytes(), holds);
  if (holds === "text") return reader.string();
  return holds === "number" ? reader.int32() : reader.bool();
}

const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** google/protobuf/timestamp.proto, the only file of others that messages of Kith import. */
export const file_google_protobuf_timestamp: DescFile = /* @__PURE__ */ fileDesc(
  "Ch9nb29nbGUvcHJvdG9idWYvdGltZXN0YW1wLnByb3RvEg9nb29nbGUucHJvdG9idWYiKwoJVGltZXN0YW1wEg8KB3NlY29uZHMYASABKAMSDQoFbmFub3MYAiABKAViBnByb3RvMw==",
);
