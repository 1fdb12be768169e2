// Takes the pictures of the README, of a real server with the demo network: shots/*.png.
import { mkdir, stat } from 'node:fs/promises'
import { launch, open, person } from '../e2e/browser.mjs'
import { Kithd } from '../e2e/kithd.mjs'

const BYTES_MAX = 300_000
const folder = new URL('../shots/', import.meta.url)

/** Names of people to their ids. */
async function people(kithd) {
  const found = await kithd.kith(['person', 'list'])
  return new Map(found.map(one => [one.name, one.id]))
}

const kithd = await Kithd.start()
const browser = await launch()
try {
  await mkdir(folder, { recursive: true })
  const ids = await people(kithd)
  const pair = ['Lotte Blackbird', 'Monty Seashell'].map(name => ids.get(name)).sort()
  const pictures = [
    ['network', '#/demo/network?bridge=larkspur,mossbridge', {}],
    ['pair', `#/demo/pairs/${pair.join('/')}`, { dark: true }],
  ]
  let bytes = 0
  for (const [name, hash, look] of pictures) {
    const context = await person(browser, kithd, { width: 1280, height: 800, ...look })
    const { page, problems } = await open(context, kithd, hash)
    await page.waitForTimeout(1_500)
    const path = new URL(`${name}.png`, folder).pathname
    await page.screenshot({ path })
    if (problems.length > 0) throw new Error(`${name}: ${problems.join('; ')}`)
    const { size } = await stat(path)
    bytes += size
    console.log(`${(size / 1000).toFixed(0).padStart(5)} kB  ${name}`)
    await context.close()
  }
  if (bytes > BYTES_MAX) throw new Error(`${bytes} bytes are over ${BYTES_MAX}`)
} finally {
  await browser.close()
  await kithd.stop()
}
