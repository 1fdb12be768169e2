// Dates as people write them: `yesterday`, `3 days ago`, `last monday`, `2026-03-04`, RFC 3339. Times are milliseconds.
//
// Days and times without a zone are in the user's zone, except days of views, which are UTC for everybody. The same
// results as in server/json/src/dates.rs: tests/fixtures/dates.json lists them.
import { KithError } from "./errors.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** How far ahead of now a point in time may lie: clocks differ. */
const FUTURE_MS_MAX = 60_000;
const TIME_MIN = Date.UTC(1900, 0, 1);
const TIME_MAX = Date.UTC(10_000, 0, 1) - 1;
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WEEKDAY_NAMES = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** A day, as the UTC midnight of its date, or a point in time. */
type Moment = { readonly day: number } | { readonly time: number };

/** The user's time zone, such as `Europe/Berlin`. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Reads when something happened. A day means its noon in the zone, or now if noon is still ahead, so that it is the same
 * date in most zones. */
export function parseOn(text: string, now: number = Date.now(), zone: string = localZone()): number {
  const moment = parsePast(text, now, zone);
  return inRange(text, "day" in moment ? Math.min(clockTime(moment.day + DAY_MS / 2, zone), now) : moment.time);
}

/** Reads the start of a period. A day means its first moment in the zone. */
export function parseSince(text: string, now: number = Date.now(), zone: string = localZone()): number {
  const moment = parsePast(text, now, zone);
  return inRange(text, "day" in moment ? clockTime(moment.day, zone) : moment.time);
}

/** Reads a day of views, in days since 1970-01-01: a UTC day, or the UTC day of a point in time. */
export function parseViewDay(text: string, now: number = Date.now()): number {
  const start = startOf(parse(text, now, "UTC"));
  if (start > now + FUTURE_MS_MAX) throw unreadable(`${text} lies in the future: days of views are days in UTC, where it is ${dayText(dayOf(now))}`);
  return dayOf(inRange(text, start));
}

/** Reads until when something was known: the end of a UTC day, or a point in time. */
export function parseKnown(text: string, now: number = Date.now()): number {
  const day = parseViewDay(text, now);
  const moment = parse(text, now, "UTC");
  return "day" in moment ? (day + 1) * DAY_MS - 1 : moment.time;
}

/** Reads when something ends: a length of time from now such as `90d`, or a date. A day ends at its end in the zone. */
export function parseEnd(text: string, now: number = Date.now(), zone: string = localZone()): number {
  const end = endOf(text, now, zone);
  if (!(end <= TIME_MAX)) throw unreadable(`${text} is too far away`);
  if (end <= now) throw unreadable(`${text} lies in the past`);
  return end;
}

function endOf(text: string, now: number, zone: string): number {
  const length = durationOf(text);
  if (length !== undefined) return now + length;
  let moment: Moment;
  try {
    moment = parse(text, now, zone);
  } catch {
    throw unreadable(`${text} is neither like 90d nor a date`);
  }
  return "day" in moment ? clockTime(moment.day + DAY_MS - 1, zone) : moment.time;
}

/** Reads a length of time such as `40s`, `90d` or `1h30m`, in milliseconds. */
export function parseDuration(text: string): number {
  const length = durationOf(text);
  if (length === undefined) throw unreadable(`${text} is not a length of time: try 40s, 15m, 12h or 90d`);
  return length;
}

function durationOf(text: string): number | undefined {
  if (!/^(\d+[a-z]+)+$/.test(text.trim())) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([a-z]+)/g)) total += Number(count) * (UNITS_MS[unit!] ?? NaN);
  return total > 0 && total < 2 ** 63 ? total : undefined;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, min: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS };

/** The UTC day of a time, in days since 1970-01-01. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

/** A day as `YYYY-MM-DD`. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** A time as RFC 3339 in UTC. */
export function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.?0*Z$/, "Z");
}

/** Reads RFC 3339, in any zone; `undefined` for anything else. Fractions of a millisecond are cut off. */
export function readTime(text: string): number | undefined {
  const [, date, clock, sign, hours, minutes] = /^(.{10}[Tt ].*?)()(?:[Zz]|([+-])(\d{2}):?(\d{2})?)$/.exec(text) ?? [];
  const shown = date === undefined || clock === undefined ? undefined : readClock(date);
  if (shown === undefined || Number(hours ?? 0) > 25 || Number(minutes ?? 0) > 59) return undefined;
  const offset = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS;
  return sign === "-" ? shown + offset : shown - offset;
}

/** Reads what a clock shows, `YYYY-MM-DD HH:MM` with seconds or without, as if it were in UTC. */
function readClock(text: string): number | undefined {
  const [, date, hour, minute, second = "0", fraction = ""] = /^(.{10})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?$/.exec(text) ?? [];
  const day = date === undefined ? undefined : readDate(date);
  if (day === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const seconds = Math.min(Number(second), 59);
  return day + Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS + seconds * SECOND_MS + Number(fraction.padEnd(3, "0").slice(0, 3));
}

/** Reads `YYYY-MM-DD` as the midnight of that date in UTC. */
function readDate(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(time) || !new Date(time).toISOString().startsWith(text) ? undefined : time;
}

/** Reads a date that does not lie ahead. */
function parsePast(text: string, now: number, zone: string): Moment {
  const moment = parse(text, now, zone);
  const liesAhead = "day" in moment ? moment.day > dateOf(now, zone) : moment.time > now + FUTURE_MS_MAX;
  if (liesAhead) throw unreadable(`${text} lies in the future`);
  return moment;
}

function parse(text: string, now: number, zone: string): Moment {
  const words = text.trim().toLowerCase().split(/\s+/);
  const moment = parseWords(words, now, dateOf(now, zone)) ?? parseExact(text.trim(), zone);
  inRange(text, startOf(moment));
  return moment;
}

function parseWords(words: readonly string[], now: number, today: number): Moment | undefined {
  const [first = "", second = "", third] = words;
  if (words.length === 1) {
    if (first === "now") return { time: now };
    if (first === "today") return { day: today };
    if (first === "yesterday") return back(today, 1, "day");
    return lastWeekday(first, today);
  }
  if (words.length === 2 && first === "last") {
    return ["week", "month", "year"].includes(second) ? back(today, 1, second) : lastWeekday(second, today);
  }
  if (words.length !== 3 || third !== "ago") return undefined;
  const count = first === "a" || first === "an" ? 1 : /^[+-]?\d{1,15}$/.test(first) ? Number(first) : NaN;
  return ago(now, today, count, second.replace(/s+$/, ""));
}

/** The time `count` units ago. Days and longer units give days, shorter ones points in time. */
function ago(now: number, today: number, count: number, unit: string): Moment | undefined {
  if (Number.isNaN(count)) return undefined;
  const unitMs = { second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS }[unit];
  return unitMs === undefined ? back(today, count, unit) : { time: now - count * unitMs };
}

function back(today: number, count: number, unit: string): Moment | undefined {
  switch (unit) {
    case "day":
      return { day: today - count * DAY_MS };
    case "week":
      return { day: today - count * 7 * DAY_MS };
    case "month":
      return { day: monthsBefore(today, count) };
    case "year":
      return { day: monthsBefore(today, 12 * count) };
    default:
      return undefined;
  }
}

/** The same day of an earlier month, or that month's last. */
function monthsBefore(day: number, count: number): number {
  const date = new Date(day);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() - count];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(date.getUTCDate(), last));
}

/** The last such weekday before today. */
function lastWeekday(name: string, today: number): Moment | undefined {
  const weekday = Math.max(WEEKDAYS.indexOf(name), WEEKDAY_NAMES.indexOf(name));
  if (weekday < 0) return undefined;
  const days = (new Date(today).getUTCDay() - weekday + 7) % 7;
  return { day: today - (days === 0 ? 7 : days) * DAY_MS };
}

function parseExact(text: string, zone: string): Moment {
  const time = readTime(text);
  if (time !== undefined) return { time };
  const day = readDate(text);
  if (day !== undefined) return { day };
  const shown = readClock(text);
  if (shown !== undefined) return { time: clockTime(shown, zone) };
  throw unreadable(`${text} is not a date: try yesterday, 3 days ago, last monday, 2026-03-04 or 2026-03-04T10:30:00Z`);
}

/** The point itself, or the start of the UTC day. */
function startOf(moment: Moment): number {
  return "day" in moment ? moment.day : moment.time;
}

function inRange(text: string, time: number): number {
  if (!(time >= TIME_MIN && time <= TIME_MAX)) throw unreadable(`${text} is not between the years 1900 and 9999`);
  return time;
}

/** The date in a zone, as its midnight in UTC. */
function dateOf(time: number, zone: string): number {
  return dayOf(time + offsetAt(time, zone)) * DAY_MS;
}

/** The point in time at which clocks in a zone show this. The first of two such points; if clocks skip it, as if they had
 * not been put forward yet. */
function clockTime(shown: number, zone: string): number {
  const [before, after] = [offsetAt(shown - DAY_MS, zone), offsetAt(shown + DAY_MS, zone)];
  const found = [before, after].find((offset) => offsetAt(shown - offset, zone) === offset);
  return shown - (found ?? before);
}

/** How far clocks in a zone are ahead of UTC. */
function offsetAt(time: number, zone: string): number {
  if (zone === "UTC") return 0;
  const second = Math.floor(time / SECOND_MS) * SECOND_MS;
  const shown: Record<string, number> = {};
  for (const { type, value } of clockOf(zone).formatToParts(second)) shown[type] = Number(value);
  return Date.UTC(shown["year"]!, shown["month"]! - 1, shown["day"]!, shown["hour"]!, shown["minute"]!, shown["second"]!) - second;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const numeric = "numeric" as const;
  const clock = new Intl.DateTimeFormat("en-US", { timeZone: zone, calendar: "iso8601", hourCycle: "h23", year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric });
  clocks.set(zone, clock);
  return clock;
}

function unreadable(message: string): KithError {
  return new KithError("options_invalid", message);
}
