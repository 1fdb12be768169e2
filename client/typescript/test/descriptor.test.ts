// Descriptors are those that the library makes of the same bytes.
import type { DescField, DescFile } from "@bufbuild/protobuf";
import { fileDesc } from "@bufbuild/protobuf/codegenv2";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import * as ours from "../src/descriptor.js";

const FOLDER = new URL("../src/gen/kith/v1/", import.meta.url);

/** The descriptor's bytes and the names of what it imports, as generated. */
function generated(name: string): { base64: string; imports: string[] } {
  const text = readFileSync(new URL(name, FOLDER), "utf8");
  const [, base64, imports] = /fileDesc\("([^"]+)"(?:, \[([^\]]*)\])?\)/.exec(text)!;
  return { base64: base64!, imports: imports?.split(", ") ?? [] };
}

/** Files in the order in which they import each other. */
function all(read: (base64: string, imports: DescFile[]) => DescFile, timestamp: DescFile): Map<string, DescFile> {
  const found = new Map([["file_google_protobuf_timestamp", timestamp]]);
  const names = readdirSync(FOLDER);
  while (names.length > 0) {
    const at = names.findIndex((name) => generated(name).imports.every((one) => found.has(one)));
    const [name] = names.splice(at, 1);
    const { base64, imports } = generated(name!);
    found.set(`file_kith_v1_${name!.replace("_pb.ts", "")}`, read(base64, imports.map((one) => found.get(one)!)));
  }
  return found;
}

function field(one: DescField): object {
  const { name, localName, jsonName, number, fieldKind, presence, deprecated } = one;
  const of = { scalar: one.scalar, message: one.message?.typeName, enum: one.enum?.typeName, oneof: one.oneof?.localName };
  const many = one.fieldKind === "list" ? { listKind: one.listKind, packed: one.packed } : {};
  return { name, localName, jsonName, number, fieldKind, presence, deprecated, ...of, ...many };
}

function shape(file: DescFile): object {
  return {
    name: file.name,
    messages: file.messages.map((message) => ({ typeName: message.typeName, fields: message.fields.map(field), oneofs: message.oneofs.map((one) => [one.localName, one.fields.map((of) => of.name)]), nested: [message.nestedMessages.length, message.nestedEnums.length] })),
    enums: file.enums.map((one) => ({ typeName: one.typeName, open: one.open, values: one.values.map(({ name, localName, number }) => ({ name, localName, number })) })),
    services: file.services.map((service) => ({ typeName: service.typeName, methods: service.methods.map((method) => [method.name, method.localName, method.methodKind, method.input.typeName, method.output.typeName]) })),
  };
}

test("every file reads as the library reads it", () => {
  const library = all(fileDesc, file_google_protobuf_timestamp);
  const found = all(ours.fileDesc, ours.file_google_protobuf_timestamp);
  expect([...found.keys()]).toEqual([...library.keys()]);
  expect(found.size).toBeGreaterThan(8);
  for (const [name, file] of found) expect(shape(file), name).toEqual(shape(library.get(name)!));
});
