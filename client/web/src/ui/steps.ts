// j and k through what stands in lists and on boards: every element with `data-step`, in the order of the page.

/** Puts the focus on the next one, or on the one before. */
export function step(by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>('main [data-step]')]
  const at = all.findIndex(one => one.contains(document.activeElement))
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by]
  next?.focus({ preventScroll: true })
  next?.scrollIntoView({ block: 'nearest' })
}

/** The one that has the focus, by its name. */
export const stepped = (): string | undefined => document.activeElement?.closest<HTMLElement>('main [data-step]')?.dataset.step
