// A backup of all networks into a file that the browser writes.
import type { BackedUpNetwork } from 'kith-client/gen/admin'
import { admin } from './admin'

interface FileTarget {
  createWritable(): Promise<{ write(data: Uint8Array): Promise<void>; close(): Promise<void>; abort(): Promise<void> }>
}
type Picker = (options: { suggestedName: string }) => Promise<FileTarget>

/** The browser's dialog for a new file; browsers without it, and pages without TLS, have the command. */
export const picker = (): Picker | undefined => {
  const found = (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker
  return found && (options => found.call(globalThis, options))
}

export interface BackupProgress {
  readonly bytes: number
  readonly rows: number
  readonly rowsTotal: number
}

/** Writes a backup into a file as it arrives. A file that is not complete is taken back. */
export async function backUp(to: FileTarget, tell: (now: BackupProgress) => void, signal: AbortSignal): Promise<{ bytes: number; networks: BackedUpNetwork[] }> {
  const file = await to.createWritable()
  try {
    let bytes = 0
    let networks: BackedUpNetwork[] = []
    for await (const part of admin.backup({}, { signal })) {
      if (part.data.length > 0) await file.write(part.data)
      bytes += part.data.length
      networks = part.networks.length > 0 ? part.networks : networks
      tell({ bytes, rows: Number(part.rowsWritten), rowsTotal: Number(part.rowsTotal) })
    }
    await file.close()
    return { bytes, networks }
  } catch (error) {
    await file.abort().catch(() => undefined)
    throw error
  }
}
