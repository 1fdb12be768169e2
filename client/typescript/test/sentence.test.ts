// What events say, as the command line says it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeEvent, fromHex, readEvent, sentence, sentenceText, toHex } from "../src/index.js";

const { names, cases } = JSON.parse(readFileSync(new URL("../../../tests/fixtures/sentences.json", import.meta.url), "utf8")) as {
  names: Record<string, string>;
  cases: { bytes: string; sentence: string }[];
};

test.each(cases)("$sentence", ({ bytes, sentence: expected }) => {
  const event = readEvent(fromHex(bytes)!);
  expect(toHex(encodeEvent(event))).toBe(bytes);
  const parts = sentence(event.fact);
  expect(sentenceText(parts, (person) => names[person] ?? person)).toBe(expected);
});

test("people, organisations and events are parts, so that a page can link them", () => {
  expect(sentence({ kind: "followed_up", by: "amina", with: ["ben", "carol"], about: "e" })).toEqual([{ person: "amina" }, " followed up with ", { person: "ben" }, " and ", { person: "carol" }, " on ", { event: "e" }]);
  expect(sentence({ kind: "person_added", person: "amina", organisation: "riverside" })).toEqual([{ person: "amina" }, ", ", { organisation: "riverside" }]);
});
