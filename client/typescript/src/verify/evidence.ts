// Files that prove something: whatever `kith audit checkpoint` and `kith audit prove` write, told apart and verified as
// `kith audit verify` does it.
import type { Entry } from "../entry.js";
import { KithError } from "../errors.js";
import { equal } from "../bytes.js";
import { Growth, RECEIPT_HEADER, Receipt, SignedCheckpoint, isGrowthText } from "./checkpoint.js";
import type { VerifierKey } from "./note.js";

/** The most bytes of such a file. */
const FILE_BYTES_MAX = 1024 * 1024;

/** What a file proves. It counts only after `verifyEvidence`. */
export type Evidence =
  | { readonly kind: "checkpoint"; readonly checkpoint: SignedCheckpoint }
  | { readonly kind: "receipt"; readonly checkpoint: SignedCheckpoint; readonly receipt: Receipt }
  | { readonly kind: "growth"; readonly checkpoint: SignedCheckpoint; readonly growth: Growth };

/** Reads a file: a checkpoint, a receipt or a proof of growth. Only its form is checked; whatever is none of these throws
 * `not_verified`. */
export function readEvidence(file: Uint8Array): Evidence {
  const text = decoded(file);
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof KithError) throw damaged(error.message);
    throw error;
  }
}

function parse(text: string): Evidence {
  if (text.startsWith(RECEIPT_HEADER)) {
    const receipt = Receipt.parse(text);
    return { kind: "receipt", checkpoint: receipt.checkpoint, receipt };
  }
  if (isGrowthText(text)) {
    const growth = Growth.parse(text);
    return { kind: "growth", checkpoint: growth.checkpoint, growth };
  }
  return { kind: "checkpoint", checkpoint: SignedCheckpoint.parse(text) };
}

/** Checks everything that can be checked with the log's key and, if there is one, a checkpoint that it must continue: a
 * growth needs the one that it starts from. Returns the entry of a receipt; throws `not_verified`. */
export function verifyEvidence(evidence: Evidence, key: VerifierKey, earlier?: SignedCheckpoint): Entry | undefined {
  const later = evidence.checkpoint.verify(key);
  if (evidence.kind === "growth") {
    if (!earlier) throw invalid(`a proof of growth needs the checkpoint of ${evidence.growth.from} entries that it starts from`);
    evidence.growth.verify(earlier, key);
    return undefined;
  }
  if (earlier) {
    const { size, root } = earlier.verify(key);
    if (size !== later.size) throw invalid("two checkpoints alone do not show that the log only grew: that takes a proof of growth");
    if (!equal(root, later.root)) throw invalid("two checkpoints of one size have different roots: keep both as evidence");
  }
  return evidence.kind === "receipt" ? evidence.receipt.verify(key) : undefined;
}

/** The text of a file: UTF-8, with or without a byte order mark. */
function decoded(file: Uint8Array): string {
  if (file.length > FILE_BYTES_MAX) throw damaged("it is longer than any proof");
  const isUtf16 = (file[0] === 0xff && file[1] === 0xfe) || (file[0] === 0xfe && file[1] === 0xff) || (file.length > 1 && (file[0] === 0) !== (file[1] === 0));
  if (isUtf16) throw damaged("it is UTF-16: save it as UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(file);
  } catch {
    throw damaged("it is not text");
  }
}

const damaged = (why: string) => invalid(`the file is damaged, or not from Kith: ${why}`);

function invalid(why: string): KithError {
  return new KithError("not_verified", why);
}
