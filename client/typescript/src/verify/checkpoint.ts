// Checkpoints (c2sp.org/tlog-checkpoint), and the proofs that are files: receipts (c2sp.org/tlog-proof) and growth
// (c2sp.org/tlog-witness). What they say counts only after `verify`; whatever the key did not sign is an error.
import { fromBase64, toBase64 } from "../bytes.js";
import { readEntry, type Entry } from "../entry.js";
import { KithError } from "../errors.js";
import { Note, isOrigin, type VerifierKey } from "./note.js";
import { HASH_BYTES, leafHash, verifyConsistency, verifyInclusion } from "./tree.js";

const SIZE_MAX = 1n << 63n;
const NOTE_BYTES_MAX = 128 * 1024;
const RECEIPT_BYTES_MAX = NOTE_BYTES_MAX + 64 * 1024;
const GROWTH_BYTES_MAX = NOTE_BYTES_MAX + 8 * 1024;
/** First line of a receipt. */
export const RECEIPT_HEADER = "c2sp.org/tlog-proof@v1";
/** What a proof of growth begins with. */
const GROWTH_HEADER = "old ";

/** What a checkpoint says: the size and root of a log's hash tree. */
export interface Checkpoint {
  /** The log. */
  readonly origin: string;
  /** Leaves of the tree, which is the last position. */
  readonly size: bigint;
  /** Root of the tree, 32 bytes. */
  readonly root: Uint8Array;
}

/** A checkpoint with its signatures. */
export class SignedCheckpoint {
  private constructor(
    private readonly note: Note,
    /** What it says, whoever wrote it: to look up the key, and to show what was refused. */
    readonly unverified: Checkpoint,
  ) {}

  /** Reads a signed note that holds a checkpoint. No signature is checked yet. */
  static parse(text: string): SignedCheckpoint {
    const note = Note.parse(text);
    return new SignedCheckpoint(note, parseText(note.text));
  }

  /** What it says, if the key signed it and is the key of the log that it names. */
  verify(key: VerifierKey): Checkpoint {
    this.note.verify(key);
    if (this.unverified.origin !== key.origin) throw invalid(`the checkpoint is of the log ${this.unverified.origin}, which is not the log of the key`);
    return this.unverified;
  }

  /** The same with this key's signatures alone, which is all that is needed to keep it. */
  signedBy(key: VerifierKey): SignedCheckpoint {
    return new SignedCheckpoint(this.note.signedBy(key), this.unverified);
  }

  toString(): string {
    return this.note.toString();
  }
}

/** Reads the text of a note. Further lines are allowed and ignored. */
function parseText(text: string): Checkpoint {
  const [origin = "", sizeLine = "", rootLine = "", ...more] = text.slice(0, -1).split("\n");
  const malformed = (what: string) => invalid(`the note is not a checkpoint: ${what}`);
  if (!text.endsWith("\n")) throw malformed("its text does not end with a newline");
  if (!isOrigin(origin)) throw malformed("its first line is not an origin");
  const size = decimal(sizeLine);
  if (size === undefined || size > SIZE_MAX) throw malformed("its second line is not a size");
  const root = fromBase64(rootLine);
  if (root?.length !== HASH_BYTES) throw malformed("its third line is not a root");
  if (more.includes("")) throw malformed("a line of its text is empty");
  return { origin, size, root };
}

/** The proof that an entry is under a checkpoint. Checking it needs only the log's key. */
export class Receipt {
  constructor(
    /** The entry's bytes. */
    readonly entry: Uint8Array,
    /** Index of its leaf, which is its position - 1. */
    readonly index: bigint,
    readonly hashes: readonly Uint8Array[],
    readonly checkpoint: SignedCheckpoint,
  ) {}

  /** Reads a receipt. Only its form is checked. */
  static parse(receipt: string): Receipt {
    const malformed = (what: string) => invalid(`not a receipt: ${what}`);
    if (utf8Length(receipt) > RECEIPT_BYTES_MAX) throw malformed("it is longer than any receipt");
    const end = receipt.indexOf("\n\n");
    if (end < 0) throw malformed("it has no checkpoint");
    const [header, extra = "", indexLine = "", ...hashLines] = receipt.slice(0, end).split("\n");
    if (header !== RECEIPT_HEADER) throw malformed(`its first line is not ${RECEIPT_HEADER}`);
    if (!extra.startsWith("extra ")) throw invalid("the proof comes without its entry");
    const entry = fromBase64(extra.slice("extra ".length));
    if (!entry) throw malformed("its entry is not in base64");
    const index = indexLine.startsWith("index ") ? decimal(indexLine.slice("index ".length)) : undefined;
    if (index === undefined) throw malformed("it has no index");
    return new Receipt(entry, index, parseHashes(hashLines, malformed), SignedCheckpoint.parse(receipt.slice(end + 2)));
  }

  /** The entry, if the key signed the checkpoint and the entry is under it where its own bytes say it is. */
  verify(key: VerifierKey): Entry {
    const checkpoint = this.checkpoint.verify(key);
    verifyInclusion(leafHash(this.entry), this.index, checkpoint.size, this.hashes, checkpoint.root);
    const entry = proved(this.entry);
    if (!entry || BigInt(entry.position) !== this.index + 1n) throw invalid("what is proved is not an entry with this position");
    return entry;
  }

  toString(): string {
    return `${RECEIPT_HEADER}\nextra ${toBase64(this.entry)}\nindex ${this.index}\n${hashText(this.hashes)}\n${this.checkpoint}`;
  }
}

function proved(bytes: Uint8Array): Entry | undefined {
  try {
    return readEntry(bytes);
  } catch {
    return undefined;
  }
}

/** The proof that a later checkpoint continues an earlier one, which whoever checks it must have. */
export class Growth {
  constructor(
    /** Size of the earlier tree. */
    readonly from: bigint,
    readonly hashes: readonly Uint8Array[],
    /** The later checkpoint. */
    readonly checkpoint: SignedCheckpoint,
  ) {}

  /** Reads a growth. Only its form is checked. */
  static parse(growth: string): Growth {
    const malformed = (what: string) => invalid(`not a proof of growth: ${what}`);
    if (utf8Length(growth) > GROWTH_BYTES_MAX) throw malformed("it is longer than any proof of growth");
    const end = growth.indexOf("\n\n");
    if (end < 0) throw malformed("it has no checkpoint");
    const [old = "", ...hashLines] = growth.slice(0, end).split("\n");
    const from = isGrowthText(old) ? decimal(old.slice(GROWTH_HEADER.length)) : undefined;
    if (from === undefined) throw malformed("its first line is not the earlier size");
    return new Growth(from, parseHashes(hashLines, malformed), SignedCheckpoint.parse(growth.slice(end + 2)));
  }

  /** Checks that the key signed both checkpoints and that the later one continues the earlier. */
  verify(earlier: SignedCheckpoint, key: VerifierKey): void {
    const [from, to] = [earlier.verify(key), this.checkpoint.verify(key)];
    if (from.size !== this.from) throw invalid(`the proof goes from ${this.from} entries, and the earlier checkpoint has ${from.size}`);
    verifyConsistency(from.size, from.root, to.size, to.root, this.hashes);
  }

  toString(): string {
    return `${GROWTH_HEADER}${this.from}\n${hashText(this.hashes)}\n${this.checkpoint}`;
  }
}

/** Whether a text claims to be a proof of growth. */
export const isGrowthText = (text: string): boolean => text.startsWith(GROWTH_HEADER);

function parseHashes(lines: readonly string[], malformed: (what: string) => KithError): Uint8Array[] {
  return lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed("a hash is not 32 bytes in base64");
    return hash;
  });
}

const hashText = (hashes: readonly Uint8Array[]) => hashes.map((hash) => `${toBase64(hash)}\n`).join("");

/** A number of 64 bits without sign and leading zeros. */
function decimal(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,19})$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asUintN(64, value) === value ? value : undefined;
}

const utf8Length = (text: string) => new TextEncoder().encode(text).length;

function invalid(why: string): KithError {
  return new KithError("not_verified", why);
}
