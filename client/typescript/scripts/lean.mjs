// Lets generated messages read their descriptors with src/descriptor.ts instead of the library, which is most of its
// weight in a page.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const folder = new URL("../src/gen/kith/v1/", import.meta.url);
for (const name of readdirSync(folder)) {
  const file = new URL(name, folder);
  const lines = readFileSync(file, "utf8").split("\n");
  const ours = new Set();
  const kept = lines.map((line) => {
    const found = /^import \{ (.*) \} from "@bufbuild\/protobuf\/(codegenv2|wkt)";$/.exec(line);
    if (!found) return line;
    const names = found[1].split(", ");
    const others = names.filter((one) => one !== "fileDesc" && one !== "file_google_protobuf_timestamp");
    for (const one of names) if (!others.includes(one)) ours.add(one);
    return others.length === 0 ? undefined : line.replace(found[1], others.join(", "));
  });
  const first = kept.findIndex((line) => line?.startsWith("import "));
  kept.splice(first, 0, `import { ${[...ours].sort().join(", ")} } from "../../../descriptor.js";`);
  writeFileSync(file, kept.filter((line) => line !== undefined).join("\n"));
}
