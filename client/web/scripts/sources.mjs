// What dist/ was built of: SHA-256 over every input, so that a stale dist is found without node. A line a file would be
// long; one digest over "path NUL bytes NUL" in the order of paths is enough. tests/tidy.rs computes the same.
//
//   node scripts/sources.mjs          prints it
//   node scripts/sources.mjs --write  writes dist/SOURCES, as the build does
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const files = ['client/web/index.html', 'client/web/package.json', 'client/web/package-lock.json', 'client/web/svelte.config.js', 'client/web/tsconfig.json', 'client/web/vite.config.ts', 'client/typescript/package.json', 'client/typescript/package-lock.json']
const folders = ['client/web/public', 'client/web/src', 'client/typescript/src']

export function sources() {
  const found = folders.flatMap(folder =>
    readdirSync(`${root}/${folder}`, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => `${entry.parentPath ?? entry.path}/${entry.name}`.slice(root.length).replaceAll('\\', '/').replace(/^\//, '')),
  )
  const hash = createHash('sha256')
  for (const path of [...files, ...found].sort()) hash.update(`${path}\0`).update(readFileSync(`${root}/${path}`)).update('\0')
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const digest = sources()
  if (process.argv.includes('--write')) writeFileSync(new URL('../dist/SOURCES', import.meta.url), `${digest}\n`)
  else console.log(digest)
}
