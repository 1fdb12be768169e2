// What the package weighs in a page, minified and compressed, whole and by part; fails beyond the budget.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/** Kilobytes (1,000 bytes) of everything together. */
const BUDGET_KB = 55;

const PARTS = {
  "everything": 'export * from "./src/index.js"',
  "calls of every service": 'export { services, KithError } from "./src/index.js"',
  "calls of the log alone": 'export { calls, KithError } from "./src/index.js"; export { LogService } from "./src/gen/kith/v1/log_pb.js"',
  "transport without messages": 'export { call, stream, KithError } from "./src/index.js"',
  "events: rules, encoder, dates": 'export * from "./src/new_event.js"',
  "entries: reader": 'export { readEntry } from "./src/entry.js"',
  "verification": 'export * from "./src/verify/index.js"',
  "dates": 'export * from "./src/dates.js"',
  "sentences": 'export * from "./src/sentence.js"',
  "follow and tail": 'export { followTail } from "./src/tail.js"',
};

async function size(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL("..", import.meta.url).pathname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const [{ contents: bytes }] = outputFiles;
  return { raw: bytes.length, compressed: gzipSync(bytes, { level: 9 }).length };
}

let whole = 0;
for (const [part, contents] of Object.entries(PARTS)) {
  const { raw, compressed } = await size(contents);
  if (part === "everything") whole = compressed;
  console.log(`${part.padEnd(32)} ${(compressed / 1000).toFixed(1).padStart(6)} kB gzipped ${(raw / 1000).toFixed(1).padStart(7)} kB`);
}
if (whole > BUDGET_KB * 1000) {
  console.error(`everything is larger than ${BUDGET_KB} kB`);
  process.exitCode = 1;
}
