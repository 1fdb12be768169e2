// Signed notes (c2sp.org/signed-note) and the keys that sign them (Ed25519): a text, an empty line, and a line for each
// signature. What was parsed is written back byte for byte.
import { Point, hashes, verify } from "@noble/ed25519";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concat, equal, fromBase64, toBase64, toHex } from "../bytes.js";
import { KithError } from "../errors.js";

const NOTE_BYTES_MAX = 128 * 1024;
const NAME_BYTES_MAX = 256;
/** What a signature line begins with. */
const MARK = "\u2014 ";
/** Type of Ed25519 signatures in signed notes. */
const ED25519 = 1;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
const ENDS_LINE = "\n";

/** One line below a note. Only those who know the key can interpret its bytes. */
interface Signature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A text with at least one signature. What it says counts only after `verify`. */
export class Note {
  private constructor(
    readonly text: string,
    private readonly signatures: readonly Signature[],
  ) {}

  /** Reads a signed note. No signature is checked yet. */
  static parse(note: string): Note {
    if (utf8(note).length > NOTE_BYTES_MAX) throw invalid(`a signed note has at most ${NOTE_BYTES_MAX} bytes`);
    if (/[^\P{Cc}\n\u007f-\u009f]/u.test(note)) throw malformed("it contains control characters");
    const end = note.lastIndexOf("\n\n");
    if (end < 0) throw malformed("no empty line separates the signatures");
    const lines = note.slice(end + 2);
    if (!lines.endsWith(ENDS_LINE)) throw malformed("its last line is cut short");
    return new Note(note.slice(0, end + 1), lines.slice(0, -1).split(ENDS_LINE).map(parseSignature));
  }

  /** Checks that a key signed the text. Signatures of other keys are ignored; a wrong one of this key is an error. */
  verify(key: VerifierKey): void {
    const own = this.signatures.filter((signature) => key.isNamedBy(signature));
    if (own.length === 0) throw invalid(`not signed by the key of ${key.origin}`);
    if (!own.every((signature) => key.signed(this.text, signature))) throw invalid("the signature is wrong: the text or the signature was changed");
  }

  /** The note with this key's signatures alone. */
  signedBy(key: VerifierKey): Note {
    return new Note(this.text, this.signatures.filter((signature) => key.isNamedBy(signature)));
  }

  toString(): string {
    const lines = this.signatures.map(({ name, keyId, bytes }) => `${MARK}${name} ${toBase64(concat(keyId, bytes))}\n`);
    return `${this.text}\n${lines.join("")}`;
  }
}

function parseSignature(line: string): Signature {
  const rest = line.startsWith(MARK) ? line.slice(MARK.length) : "";
  const space = rest.indexOf(" ");
  const [name, packed] = [rest.slice(0, Math.max(space, 0)), fromBase64(rest.slice(space + 1))];
  if (!isKeyName(name) || !packed || packed.length <= KEY_ID_BYTES) throw malformed("a signature line is malformed");
  return { name, keyId: packed.subarray(0, KEY_ID_BYTES), bytes: packed.subarray(KEY_ID_BYTES) };
}

/** The public key of a log, as auditors keep it: `ORIGIN+ID+KEY`, where ID is 8 hexadecimal digits that follow from the
 * rest. */
export class VerifierKey {
  private constructor(
    /** The log whose checkpoints it verifies: `kith/NETWORK/INCARNATION`. */
    readonly origin: string,
    private readonly id: Uint8Array,
    /** The key without the log's name, 32 bytes: all logs of a server have the same. */
    readonly publicKey: Uint8Array,
  ) {}

  /** Reads a key; refuses weak ones, and an id that belongs to another name or key. */
  static parse(text: string): VerifierKey {
    const [, origin = "", id = "", packed = ""] = /^([^+]*)\+([^+]*)\+([^]*)$/.exec(text) ?? [];
    const typed = fromBase64(packed);
    if (!isKeyName(origin) || utf8(origin).length > NAME_BYTES_MAX || !typed) throw invalid("a verifier key has the form NAME+ID+KEY: a name without spaces, 8 hexadecimal digits, and base64");
    const publicKey = typed.subarray(1);
    if (typed[0] !== ED25519 || !isStrong(publicKey)) throw invalid("the key is not an Ed25519 key");
    const ownId = keyId(origin, publicKey);
    if (id !== toHex(ownId)) throw invalid("the id does not belong to this name and key: the text was changed");
    return new VerifierKey(origin, ownId, publicKey);
  }

  /** @internal Whether a signature names this key. */
  isNamedBy(signature: Signature): boolean {
    return signature.name === this.origin && equal(signature.keyId, this.id);
  }

  /** @internal Whether a signature over a text is this key's. */
  signed(text: string, { bytes }: Signature): boolean {
    if (bytes.length !== SIGNATURE_BYTES || !isStrong(bytes.subarray(0, KEY_BYTES))) return false;
    hashes.sha512 ??= (message) => sha512(message);
    return verify(bytes, utf8(text), this.publicKey, { zip215: false });
  }

  toString(): string {
    return `${this.origin}+${toHex(this.id)}+${toBase64(concat(Uint8Array.of(ED25519), this.publicKey))}`;
  }
}

/** Whether bytes are a point of the curve in its one spelling, and not of small order. */
function isStrong(bytes: Uint8Array): boolean {
  if (bytes.length !== KEY_BYTES) return false;
  try {
    return !Point.fromBytes(bytes, false).isSmallOrder();
  } catch {
    return false;
  }
}

/** First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key). */
function keyId(origin: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concat(utf8(`${origin}\n`), Uint8Array.of(ED25519), publicKey)).subarray(0, KEY_ID_BYTES);
}

/** Whether a text can name a key in a signed note. */
export function isKeyName(text: string): boolean {
  return text !== "" && !/[\p{White_Space}\p{Cc}+]/u.test(text);
}

/** Whether a text can name a log. */
export function isOrigin(text: string): boolean {
  return isKeyName(text) && utf8(text).length <= NAME_BYTES_MAX;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function malformed(what: string): KithError {
  return invalid(`not a signed note: ${what}`);
}

function invalid(why: string): KithError {
  return new KithError("not_verified", why);
}
