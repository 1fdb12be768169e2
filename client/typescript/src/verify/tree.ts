// Proofs over the hash tree of a log, for those who have no tree (RFC 6962, SHA-256).
//
// The required length of a proof follows from the sizes alone and is checked before hashing, so a check costs at most 130
// hashes whatever is sent. Sizes and roots are trusted: take them from verified checkpoints.
import { sha256 } from "@noble/hashes/sha2.js";
import { equal } from "../bytes.js";
import { KithError } from "../errors.js";

/** A size or an index: a number, or beyond 2^53 a bigint. */
export type Size = number | bigint;

/** Bytes of a hash. */
export const HASH_BYTES = 32;
/** Root of the tree without leaves: SHA-256 of nothing. */
const EMPTY_ROOT = /* @__PURE__ */ sha256(/* @__PURE__ */ new Uint8Array());

/** Hash of a leaf: SHA-256(0x00 ‖ entry bytes). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256.create().update(Uint8Array.of(0)).update(entry).digest();
}

/** Hash of a node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + 2 * HASH_BYTES);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return sha256(input);
}

/** Checks that `leaf` is leaf number `index` of the tree with this size and root; throws `not_verified`. */
export function verifyInclusion(leaf: Uint8Array, index: Size, size: Size, proof: readonly Uint8Array[], root: Uint8Array): void {
  const [at, leaves] = [BigInt(index), BigInt(size)];
  if (at < 0n || at >= leaves) throw invalid(`a tree of ${leaves} leaves has no leaf ${at}`);
  const path = pathOf(at, leaves);
  expectHashes([leaf, root, ...proof]);
  expectLength(proof, lengthOf(path));
  expectRoot(climb(path, leaf, proof), root);
}

/** Checks that the tree of `fromSize` leaves is the beginning of the tree of `toSize` leaves; throws `not_verified`. Every
 * tree begins with the empty one. */
export function verifyConsistency(fromSize: Size, fromRoot: Uint8Array, toSize: Size, toRoot: Uint8Array, proof: readonly Uint8Array[]): void {
  const [from, to] = [BigInt(fromSize), BigInt(toSize)];
  if (from < 0n || from > to) throw invalid(`the tree shrank from ${from} to ${to} leaves`);
  expectHashes([fromRoot, toRoot, ...proof]);
  if (from === 0n && !equal(fromRoot, EMPTY_ROOT)) throw invalid(EARLIER_MISMATCH);
  if (from === 0n || from === to) expectLength(proof, 0);
  if (from === to) expectRoot(fromRoot, toRoot);
  else if (from > 0n) verifyGrowth(from, fromRoot, to, toRoot, proof);
}

/** Consistency with `0 < from < to`. Both roots are computed on one path up, which starts at the last complete subtree of
 * the earlier tree. */
function verifyGrowth(from: bigint, fromRoot: Uint8Array, to: bigint, toRoot: Uint8Array, proof: readonly Uint8Array[]): void {
  const complete = trailingZeros(from);
  const whole = pathOf(from - 1n, to);
  const path: Path = { turns: whole.turns >> BigInt(complete), inner: whole.inner - complete, border: whole.border };
  // A single complete subtree is the earlier tree itself: its root is known and not sent again.
  const isComplete = from === 1n << BigInt(complete);
  expectLength(proof, lengthOf(path) + (isComplete ? 0 : 1));
  const [start, siblings] = isComplete ? [fromRoot, proof] : [proof[0]!, proof.slice(1)];
  const earlier = siblings.reduce((node, sibling, height) => (isLeft(path, height) ? nodeHash(sibling, node) : node), start);
  if (!equal(earlier, fromRoot)) throw invalid(EARLIER_MISMATCH);
  expectRoot(climb(path, start, siblings), toRoot);
}

const EARLIER_MISMATCH = "the proof does not lead to the earlier root";

/** The path from a leaf or subtree up to the root. Below the point where it joins the tree's right edge a sibling may be on
 * either side; from there on every sibling is on the left. */
interface Path {
  /** Bit i says whether the node at height i is a right child. */
  readonly turns: bigint;
  /** Steps before the right edge. */
  readonly inner: number;
  /** Steps along the right edge. */
  readonly border: number;
}

/** The path of a leaf. Needs `index < size`. */
function pathOf(index: bigint, size: bigint): Path {
  const inner = bitLength(index ^ (size - 1n));
  return { turns: index, inner, border: ones(index >> BigInt(inner)) };
}

const lengthOf = (path: Path) => path.inner + path.border;
const isLeft = (path: Path, height: number) => height >= path.inner || ((path.turns >> BigInt(height)) & 1n) === 1n;

/** The root over `start`, given all siblings. */
function climb(path: Path, start: Uint8Array, siblings: readonly Uint8Array[]): Uint8Array {
  return siblings.reduce((node, sibling, height) => (isLeft(path, height) ? nodeHash(sibling, node) : nodeHash(node, sibling)), start);
}

const bitLength = (value: bigint) => (value === 0n ? 0 : value.toString(2).length);
const ones = (value: bigint) => value.toString(2).replaceAll("0", "").length;
const trailingZeros = (value: bigint) => /0*$/.exec(value.toString(2))![0].length;

function expectHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw invalid("a hash has 32 bytes");
}

function expectLength(proof: readonly Uint8Array[], expected: number): void {
  if (proof.length !== expected) throw invalid(`the proof has ${proof.length} hashes instead of ${expected}`);
}

function expectRoot(computed: Uint8Array, root: Uint8Array): void {
  if (!equal(computed, root)) throw invalid("the proof does not lead to the root");
}

function invalid(why: string): KithError {
  return new KithError("not_verified", why);
}
