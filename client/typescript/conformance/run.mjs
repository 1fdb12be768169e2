// Starts the driver in node: bundles it from the sources, for which `npm ci` is enough.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = here("../node_modules/.cache/kith-conformance.mjs");
await build({ entryPoints: [here("driver.ts")], outfile, bundle: true, format: "esm", platform: "node", target: "node20", logLevel: "warning" });
await import(outfile);
