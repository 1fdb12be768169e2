// Recording: an event is made once and repeated under the same id until the server has it, so that nothing is recorded
// twice and nothing is lost between two tries. Nothing is kept on disk.
import { answered, append, retracted, type Answer, type NewEvent } from 'kith-client'
import { entryAt } from '../state/entries'
import { server } from '../state/server'
import { toasts } from '../ui/toast.svelte'
import { count } from '../words/value'

/** Appends an event and gives its position. Throws what the server says against it. */
async function appendOne(network: string, event: NewEvent): Promise<number> {
  const [outcome] = await append(server.log, network, [event])
  return outcome?.position ?? 0
}

/** Appends an event, says so, and offers to withdraw it. Throws what the server says against it. */
export async function record(network: string, event: NewEvent): Promise<number> {
  const position = await appendOne(network, event)
  toasts.say(`Recorded at ${count(position)}`, { action: { label: 'Undo', run: () => void undo(network, event.id) } })
  return position
}

async function undo(network: string, id: string): Promise<void> {
  try {
    const position = await appendOne(network, retracted(id, 'mistake'))
    toasts.say(`Withdrawn as a mistake at ${count(position)}`)
  } catch (error) {
    toasts.say(`Not withdrawn: ${error instanceof Error ? error.message : error}`, { isFault: true })
  }
}

/** Records at once, as a button of a row does; says what the server says against it. */
export async function recordNow(network: string, make: () => NewEvent | Promise<NewEvent>): Promise<boolean> {
  try {
    await record(network, await make())
    return true
  } catch (error) {
    toasts.say(`Not recorded: ${error instanceof Error ? error.message : error}`, { isFault: true })
    return false
  }
}

/** Answers the introduction at a position, as a button of a row does. */
export const answerAt = (network: string, position: number, by: string, answer: Answer): Promise<boolean> =>
  recordNow(network, async () => answered((await entryAt(network, position)).event.id, by, answer))
