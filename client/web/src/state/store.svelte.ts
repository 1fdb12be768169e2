// One question of one panel, and the state that its answer is in. Every panel asks, waits and fails on its own.
//
//   const ties = ask(() => ({ key: ..., call: signal => ..., isEmpty: rows => rows.length === 0 }))
//   <Panel of={ties}>{#snippet children(rows)}...{/snippet}</Panel>
//
// The question is asked again when its key changes, when the log has grown (see tail), and as an error says. While it
// waits, what was there stays.
import { KithError } from 'kith-client'
import { untrack } from 'svelte'
import { isSignedOut, session } from './session.svelte'
import { tail } from './tail.svelte'

export interface Question<T> {
  /** What tells this question from others: a new key is a new question. */
  readonly key: string
  readonly call: (signal: AbortSignal) => Promise<T>
  readonly isEmpty?: (value: T) => boolean
  /** Whether the answer can change as the log grows: true unless given. */
  readonly isLive?: boolean
  /** Milliseconds to wait for further changes of the key, as while a slider moves. */
  readonly settleMs?: number
  /** Milliseconds after an answer until it is asked again although the log has not grown, while the page is shown. */
  readonly renewMs?: number
}

export type PanelState = 'loading' | 'value' | 'empty' | 'building' | 'stopped' | 'gone' | 'refused' | 'offline' | 'failed'

const RETRY_MS = 2000
/** A server that is busy is asked again in silence for so long. */
const PATIENCE_MS = 5000

/** The state that an error puts a panel into. */
export function stateOf(error: unknown): PanelState {
  if (!(error instanceof KithError)) return 'failed'
  switch (error.reason) {
    case 'VIEW_BUILDING':
      return 'building'
    case 'VIEW_STOPPED':
      return 'stopped'
    case 'VIEW_UNKNOWN':
    case 'PERSON_UNKNOWN':
    case 'EVENT_UNKNOWN':
    case 'NETWORK_UNKNOWN':
    case 'ORGANISATION_UNKNOWN':
    case 'ROW_UNKNOWN':
    case 'TOKEN_UNKNOWN':
      return 'gone'
    case 'PERMISSION_DENIED':
      return 'refused'
  }
  return error.kind === 'unreachable' || error.kind === 'timed_out' ? 'offline' : 'failed'
}

const isBusy = (error: unknown): error is KithError =>
  error instanceof KithError && ['RATE_LIMITED', 'LOG_BUSY', 'POSITION_AHEAD'].includes(error.reason)

export class Ask<T> {
  state = $state<PanelState>('loading')
  /** The last answer to this question; of an earlier question while `isStale`. */
  value = $state.raw<T | undefined>()
  /** What is wrong, in `building`, `stopped`, `gone`, `refused`, `offline` and `failed`. */
  error = $state.raw<KithError | Error | undefined>()
  /** Whether an answer is awaited. */
  isAsking = $state(false)
  /** Whether `value` answers an earlier question. */
  isStale = $state(false)

  #question: Question<T> | undefined
  #abort: AbortController | undefined
  /** Whether the log has grown since the call on its way began. */
  #isDue = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Whether the answer can change as the log grows. */
  get isLive(): boolean {
    return this.#question?.isLive !== false
  }

  /** Asks a question, unless it is the one that was asked last. */
  ask(question: Question<T> | undefined): void {
    const isNew = question?.key !== this.#question?.key
    this.#question = question
    if (!question) {
      this.isAsking = false
      return this.stop()
    }
    if (!isNew) return
    this.isAsking = true
    this.isStale = this.value !== undefined
    if (!this.isStale) this.state = 'loading'
    this.#later(question.settleMs ?? 0, () => void this.#run(question, Date.now()))
  }

  /** Asks again, keeping what is there. */
  again(): void {
    if (this.#question) void this.#run(this.#question, Date.now())
  }

  /** Asks again because the log has grown. A call that is on its way is not given up for that, or a slow one would never
   * end while the log grows: it is asked again afterwards. */
  refresh(): void {
    if (!this.isLive || this.state === 'loading') return
    if (this.isAsking) this.#isDue = true
    else this.again()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#abort?.abort()
  }

  #later(ms: number, then: () => void): void {
    this.stop()
    if (ms === 0) then()
    else this.#timer = setTimeout(then, ms)
  }

  #renewAfter(ms: number): void {
    this.#timer = setTimeout(() => (document.hidden ? this.#renewAfter(ms) : this.again()), ms)
  }

  async #run(question: Question<T>, since: number): Promise<void> {
    this.stop()
    const abort = (this.#abort = new AbortController())
    this.isAsking = true
    this.#isDue = false
    let isRepeated = false
    try {
      const value = await question.call(abort.signal)
      if (abort.signal.aborted) return
      this.value = value
      this.error = undefined
      this.isStale = false
      this.state = question.isEmpty?.(value) ? 'empty' : 'value'
      if (question.renewMs) this.#renewAfter(question.renewMs)
    } catch (error) {
      if (!abort.signal.aborted) isRepeated = this.#failed(error, question, since)
    } finally {
      if (!abort.signal.aborted) {
        this.isAsking = isRepeated
        if (this.#isDue && !isRepeated && this.error === undefined) this.again()
      }
    }
  }

  /** Whether the call is repeated in silence: then an answer is still awaited. */
  #failed(error: unknown, question: Question<T>, since: number): boolean {
    if (isBusy(error) && Date.now() - since < PATIENCE_MS) {
      this.#timer = setTimeout(() => void this.#run(question, since), error.retryAfterMs ?? 500)
      return true
    }
    if (isSignedOut(error)) {
      session.end(error.message)
      return false
    }
    this.error = error instanceof Error ? error : new Error(String(error))
    this.state = stateOf(error)
    const wait = error instanceof KithError && error.retryAfterMs ? error.retryAfterMs : RETRY_MS
    if (this.state === 'building' || this.state === 'offline') this.#timer = setTimeout(() => void this.#run(question, Date.now()), Math.max(500, wait))
    return false
  }
}

/** The answer to a question that depends on state of the page. Called while a component is made. */
export function ask<T>(question: () => Question<T> | undefined): Ask<T> {
  const answer = new Ask<T>()
  $effect(() => {
    const asked = question()
    untrack(() => answer.ask(asked))
  })
  $effect(() => tail.onGrowth(() => answer.refresh()))
  $effect(() => () => answer.stop())
  return answer
}
