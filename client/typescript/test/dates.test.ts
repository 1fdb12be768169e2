import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dayText, parseDuration, parseEnd, parseKnown, parseOn, parseSince, parseViewDay, readTime, timeText } from "../src/index.js";

/** What people type, where and when, and what it means: server/json reads the same table. */
const DATES = JSON.parse(readFileSync(new URL("../../../tests/fixtures/dates.json", import.meta.url), "utf8")) as {
  text: string;
  zone: string;
  now: string;
  on: string | null;
  since: string | null;
  day: string | null;
}[];
/** Wednesday, 2026-03-04T10:30:00Z. */
const NOW = 1_772_620_200_000;

const orNull = (read: () => string): string | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

test.each(DATES)("$text in $zone at $now", ({ text, zone, now: clock, on, since, day }) => {
  const now = readTime(clock)!;
  expect(orNull(() => timeText(parseOn(text, now, zone)))).toBe(on);
  expect(orNull(() => timeText(parseSince(text, now, zone)))).toBe(since);
  expect(orNull(() => dayText(parseViewDay(text, now)))).toBe(day);
});

test("the table has cases", () => expect(DATES.length).toBeGreaterThan(40));

test("what was known is known until the end of its day", () => {
  expect(timeText(parseKnown("2026-03-03", NOW))).toBe("2026-03-03T23:59:59.999Z");
  expect(timeText(parseKnown("2026-03-03T10:00:00Z", NOW))).toBe("2026-03-03T10:00:00Z");
});

test.each([
  ["90d", "2026-06-02T10:30:00Z"],
  ["1h30m", "2026-03-04T12:00:00Z"],
  ["2026-03-05", "2026-03-05T23:59:59Z"],
  ["yesterday", "lies in the past"],
  ["soon", "neither like 90d nor a date"],
  ["9999999999d", "too far away"],
  ["0s", "neither like 90d nor a date"],
])("an end of %s", (text, expected) => {
  const read = () => timeText(Math.floor(parseEnd(text, NOW, "UTC") / 1000) * 1000);
  if (expected.endsWith("Z")) expect(read()).toBe(expected);
  else expect(read).toThrow(expected);
});

test("lengths of time need a unit", () => {
  expect([parseDuration("40s"), parseDuration("1w2d")]).toEqual([40_000, 9 * 86_400_000]);
  for (const text of ["40", "d", "", "4y", "-1d"]) expect(() => parseDuration(text), text).toThrow("length of time");
});

test.each([
  ["3 months ago", "2025-12-04"],
  ["a year ago", "2025-03-04"],
  ["last year", "2025-03-04"],
  ["2026-03-03T23:30:00-02:00", "2026-03-04"],
  ["1969-12-31T23:59:59.9999Z", "1969-12-31"],
])("the day of %s", (text, day) => expect(dayText(parseViewDay(text, NOW))).toBe(day));

test.each(["2026-13-01", "2026-03-04T25:00:00Z", "1899-12-31T23:59:59Z", "10000-01-01", "400 years ago", "99999999999999 years ago", "3 fortnights ago", "last", "ago", "x ago y"])("%s is refused", (text) => {
  expect(() => parseOn(text, NOW, "UTC")).toThrow(new RegExp("is not a date|not between the years"));
});

test("the last day of a month stands for a longer one's", () => {
  expect(dayText(parseViewDay("1 month ago", readTime("2026-03-31T12:00:00Z")!))).toBe("2026-02-28");
});
