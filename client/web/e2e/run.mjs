// Runs the tests in browsers, two files at a time, on copies of one demo network. A file that fails has a second try alone.
//
//   node e2e/run.mjs              all files
//   node e2e/run.mjs pair log     these
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { Kithd } from './kithd.mjs'

/** The longest first, or the last one runs alone. */
const LONG = ['all_states', 'pages', 'members', 'erasure', 'plugins', 'organisations', 'access']
/** What measures time runs beside nothing else. */
const ALONE = ['large']

const folder = fileURLToPath(new URL('.', import.meta.url))
const all = readdirSync(folder).flatMap(name => /^(.+)\.test\.mjs$/.exec(name)?.[1] ?? [])
const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !all.includes(name))
if (unknown.length > 0) {
  console.error(`no such file: ${unknown.join(', ')}; there are ${all.join(', ')}`)
  process.exit(2)
}
const fileOf = name => join(folder, `${name}.test.mjs`)
const rank = name => (LONG.includes(name) ? LONG.indexOf(name) : LONG.length)
const names = (wanted.length > 0 ? wanted : all).sort((a, b) => rank(a) - rank(b))

/** Runs files; gives those in which something failed. */
async function failed(names, concurrency) {
  const bad = new Set()
  const events = run({ files: names.map(fileOf), concurrency })
  events.on('test:fail', ({ file, name }) => bad.add(names.find(one => fileOf(one) === (file ?? name)) ?? name))
  for await (const text of events.compose(spec)) process.stdout.write(text)
  return [...bad]
}

const demo = await mkdtemp(join(tmpdir(), 'kith-demo-'))
try {
  await Kithd.prepare(demo)
  process.env.E2E_DEMO = demo
  const together = names.filter(name => !ALONE.includes(name))
  const alone = names.filter(name => ALONE.includes(name))
  const bad = together.length > 0 ? await failed(together, Math.min(2, availableParallelism())) : []
  if (alone.length > 0) bad.push(...(await failed(alone, 1)))
  // Two browsers and two servers at a time may be too much for a busy machine: once more, with nothing beside it.
  if (bad.length > 0) console.log(`once more, each alone: ${bad.join(', ')}`)
  process.exitCode = bad.length > 0 && (await failed(bad, 1)).length > 0 ? 1 : 0
} finally {
  await rm(demo, { recursive: true, force: true })
}
