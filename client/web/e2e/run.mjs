// Runs the tests in browsers, two files at a time, on copies of one demo network.
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
const rank = name => (LONG.includes(name) ? LONG.indexOf(name) : LONG.length)
const names = (wanted.length > 0 ? wanted : all).sort((a, b) => rank(a) - rank(b))

/** Runs files; gives whether all passed. */
async function passed(names, concurrency) {
  let isGood = true
  const events = run({ files: names.map(name => join(folder, `${name}.test.mjs`)), concurrency })
  events.on('test:fail', () => (isGood = false))
  for await (const text of events.compose(spec)) process.stdout.write(text)
  return isGood
}

const demo = await mkdtemp(join(tmpdir(), 'kith-demo-'))
try {
  await Kithd.prepare(demo)
  process.env.E2E_DEMO = demo
  const together = names.filter(name => !ALONE.includes(name))
  const alone = names.filter(name => ALONE.includes(name))
  const results = []
  if (together.length > 0) results.push(await passed(together, Math.min(2, availableParallelism())))
  if (alone.length > 0) results.push(await passed(alone, 1))
  process.exitCode = results.every(Boolean) ? 0 : 1
} finally {
  await rm(demo, { recursive: true, force: true })
}
