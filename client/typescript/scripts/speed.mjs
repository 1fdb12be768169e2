// How fast events are made, read and verified, on this machine: a figure a line.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = new URL("..", import.meta.url);
const outfile = fileURLToPath(new URL("dist/speed.mjs", folder));
await build({ stdin: { contents: 'export * from "./src/index.js"', resolveDir: fileURLToPath(folder) }, bundle: true, format: "esm", platform: "node", outfile, logLevel: "error" });
const kith = await import(pathToFileURL(outfile).href);
rmSync(outfile);

const { events, inclusion, consistency, notes } = JSON.parse(readFileSync(new URL("../../tests/fixtures/vectors.json", folder), "utf8"));
const bytes = (hex) => kith.fromHex(hex);

/** Calls something for a second after half a second of warming up. */
function measure(what, one) {
  let count = 0;
  for (const end = performance.now() + 500; performance.now() < end; ) one(count++);
  count = 0;
  const start = performance.now();
  while (performance.now() < start + 1_000) for (let n = 0; n < 8; n++) one(count++);
  console.log(`${what.padEnd(36)} ${Math.round((count * 1000) / (performance.now() - start)).toLocaleString("en").padStart(9)} a second`);
}

const encoded = events.map((event) => bytes(event.bytes));
const read = encoded.map(kith.readEvent);
const trees = inclusion.slice(-4).map((proof) => ({ ...proof, leaf: kith.leafHash(new TextEncoder().encode(`entry ${proof.index}`)), root: bytes(proof.root), hashes: proof.hashes.map(bytes) }));
const growths = consistency.slice(-4).map((proof) => ({ ...proof, fromRoot: bytes(proof.from_root), toRoot: bytes(proof.to_root), hashes: proof.hashes.map(bytes) }));
const key = kith.VerifierKey.parse(notes.key);
const entry = kith.Receipt.parse(notes.receipt).entry;

measure("events made, with a note", () => kith.met(["amina", "ben"], { note: "spoke about discharge letters" }));
measure("events encoded", (n) => kith.encodeEvent(read[n % read.length]));
measure("events read", (n) => kith.readEvent(encoded[n % encoded.length]));
measure("entries hashed as leaves", () => kith.leafHash(entry));
measure("inclusion in 256 to 1,000 verified", (n) => { const p = trees[n % trees.length]; kith.verifyInclusion(p.leaf, p.index, p.size, p.hashes, p.root); });
measure("growth up to 1,000 verified", (n) => { const p = growths[n % growths.length]; kith.verifyConsistency(p.from, p.fromRoot, p.to, p.toRoot, p.hashes); });
measure("signed checkpoints verified", () => kith.SignedCheckpoint.parse(notes.later).verify(key));
measure("receipts verified", () => kith.Receipt.parse(notes.receipt).verify(key));
