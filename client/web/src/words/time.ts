// The one place that writes days and times. Days of views are UTC days; times of entries are in the person's zone, or in
// UTC where they chose so, and the zone is named beside them.

export const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

function format(options: Intl.DateTimeFormatOptions, utc: boolean): Intl.DateTimeFormat {
  const all = utc ? { ...options, timeZone: 'UTC' } : options
  const key = JSON.stringify(all)
  let found = formats.get(key)
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(undefined, all)))
  return found
}

const LONG = { day: 'numeric', month: 'short', year: 'numeric' } as const
const SHORT = { day: 'numeric', month: 'short' } as const
const MONTH = { month: 'long', year: 'numeric' } as const
const TICK = { month: 'short', year: '2-digit' } as const
const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const FULL = { ...LONG, ...CLOCK, second: '2-digit' } as const

/** A day of a view: "22 Nov 2026". */
export const showDay = (day: number): string => format(LONG, true).format(day * DAY_MS)
/** A day of a view without its year. */
export const showShortDay = (day: number): string => format(SHORT, true).format(day * DAY_MS)
/** A month under a chart: "Nov 26". */
export const showTick = (day: number): string => format(TICK, true).format(day * DAY_MS)
/** "2026-11-22" */
export const isoDay = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** The day that "2026-11-22" names, or undefined. */
export function dayOf(iso: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(iso)) return undefined
  const ms = Date.parse(`${iso}T00:00:00Z`)
  return Number.isNaN(ms) || isoDay(ms / DAY_MS) !== iso ? undefined : ms / DAY_MS
}

/** The UTC day of a time. */
export const dayAt = (ms: number): number => Math.floor(ms / DAY_MS)

export const showDate = (ms: number, utc: boolean): string => format(LONG, utc).format(ms)
export const showShortDate = (ms: number, utc: boolean): string => format(SHORT, utc).format(ms)
export const showMonth = (ms: number, utc: boolean): string => format(MONTH, utc).format(ms)
export const showClock = (ms: number, utc: boolean): string => format(CLOCK, utc).format(ms)
/** A time to the second. */
export const showTime = (ms: number, utc: boolean): string => format(FULL, utc).format(ms)

/** The zone that times are shown in: "UTC", "Europe/London". */
export const zoneName = (utc: boolean): string => (utc ? 'UTC' : new Intl.DateTimeFormat().resolvedOptions().timeZone)

/** A year beside a short date, unless it is this one. */
export function showNear(ms: number, utc: boolean, now: number): string {
  const year = format({ year: 'numeric' }, utc)
  return year.format(ms) === year.format(now) ? showShortDate(ms, utc) : showDate(ms, utc)
}

/** How long ago, roughly: "just now", "4 min ago", "3 h ago", "12 d ago". */
export function showAgo(ms: number, now: number): string {
  const seconds = Math.max(0, (now - ms) / 1000)
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}
