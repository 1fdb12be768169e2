// What was typed in the dialog when it was closed without recording: kept for the page, in memory, and given back once.

export interface Draft {
  readonly network: string
  readonly when: string
  readonly category: string
  readonly place: string
  readonly note: string
}

let kept: Draft | undefined

export function keepDraft(draft: Draft): void {
  kept = draft
}

/** Takes what was kept for a network. */
export function takeDraft(network: string): Draft | undefined {
  const found = kept?.network === network ? kept : undefined
  kept = undefined
  return found
}
