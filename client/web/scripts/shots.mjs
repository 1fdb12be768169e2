// Takes the pictures of the README, of a real server with the demo network: shots/*.png.
import { mkdir, stat } from 'node:fs/promises'
import { launch, open, person } from '../e2e/browser.mjs'
import { Kithd } from '../e2e/kithd.mjs'

const BYTES_MAX = 300_000
const folder = new URL('../shots/', import.meta.url)

const kithd = await Kithd.start()
const browser = await launch()
try {
  await mkdir(folder, { recursive: true })
  const people = new Map((await kithd.kith(['person', 'list'])).map(one => [one.name, one.id]))
  const [lotte, monty] = ['Lotte Blackbird', 'Monty Seashell'].map(name => people.get(name))
  const [{ secret: token }] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', lotte])
  // What was recorded by mistake stays in the log, and no longer counts.
  const met = (await kithd.kith(['why', 'strength', ...[lotte, monty].sort()])).filter(one => one.kind === 'met')
  await kithd.kith(['retract', met[1].id, '--reason', 'mistake', '--note', 'That was the Thursday group, not the two of us.'], { token })
  const pictures = [
    { name: 'network', hash: '#/demo/network?bridge=larkspur,mossbridge', look: { width: 1200, height: 680 } },
    {
      name: 'pair',
      hash: `#/demo/pairs/${lotte}/${monty}`,
      look: { width: 1200, height: 672, dark: true },
      async prepare(page) {
        await page.getByRole('button', { name: /^Verify these/ }).click()
        await page.getByText(/entries are in the log/).waitFor()
        await page.locator('aside').evaluate(aside => aside.scrollTo(0, 0))
      },
    },
  ]
  let bytes = 0
  for (const { name, hash, look, prepare } of pictures) {
    const context = await person(browser, kithd, { token, ...look })
    const { page, problems } = await open(context, kithd, hash)
    await prepare?.(page)
    await page.mouse.move(0, 0)
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
