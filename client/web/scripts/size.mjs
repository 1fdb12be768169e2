// Holds dist/ against the budgets: gzip -9 of what the browser loads, following the imports of each file.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const assets = new URL('../dist/assets/', import.meta.url)
const files = new Map(readdirSync(assets).map(name => [name, readFileSync(new URL(name, assets))]))
const size = name => gzipSync(files.get(name), { level: 9 }).length
const scripts = [...files.keys()].filter(name => name.endsWith('.js'))
const named = start => scripts.find(name => name.startsWith(`${start}-`)) ?? fail(`no file ${start}`)
function fail(text) {
  throw new Error(text)
}

/** A file and all that it loads before it runs. */
function closure(name, found = new Set()) {
  if (found.has(name)) return found
  found.add(name)
  for (const [, other] of files.get(name).toString().matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) closure(other, found)
  return found
}
const sum = names => [...names].reduce((total, name) => total + size(name), 0)

const html = readFileSync(new URL('../dist/index.html', import.meta.url), 'utf8')
const main = /src="\.\/assets\/([\w.-]+\.js)"/.exec(html)[1]
const today = new Set([...closure(main), ...closure(named('Today'))])
const lazy = [...files.get(main).toString().matchAll(/import\(["'`]\.\/((\w+)-[\w-]+\.js)["'`]\)/g)].map(match => match[2])
const pages = [...new Set(lazy)].filter(page => !['Today', 'Network'].includes(page))

// The graph is the largest page by far; what pages share is loaded once and counts in all.
const rows = [
  ['entry, with all that Today needs', sum(today), 72],
  ['Network, with its worker', size(named('Network')) + size(named('layout.worker')), 55],
  ...pages.map(page => [page, size(named(page)), ['Audit', 'Record'].includes(page) ? 8 : 7]),
  ['all JavaScript', sum(scripts), 301],
  ['CSS', sum([...files.keys()].filter(name => name.endsWith('.css'))), 18.5],
]
let over = 0
for (const [what, bytes, limit] of rows) {
  const kb = bytes / 1000
  if (kb > limit) over++
  console.log(`${kb.toFixed(1).padStart(7)} kB of ${String(limit).padStart(3)}  ${kb > limit ? 'TOO LARGE ' : ''}${what}`)
}
if (over > 0) process.exitCode = 1
