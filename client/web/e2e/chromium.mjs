// The browser of the tests: the one that E2E_CHROMIUM names; else one that is installed, or the one that
// `npx playwright-core install chromium` has put where PLAYWRIGHT_BROWSERS_PATH says.
//
//   node e2e/chromium.mjs     starts it once and says which it is, or what is missing
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--enable-unsafe-swiftshader']

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where a browser may be, the best first; undefined is playwright's own. */
function places() {
  if (process.env.E2E_CHROMIUM) return [process.env.E2E_CHROMIUM]
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return [...NAMES.flatMap(name => folders.map(folder => join(folder, name))).filter(isProgram), undefined]
}

/** Starts the first browser that starts: a program of that name may be no more than advice to install another. */
async function started() {
  const said = []
  for (const executablePath of places()) {
    try {
      return { path: executablePath ?? 'installed by playwright-core', browser: await chromium.launch({ executablePath, args }) }
    } catch (error) {
      const lines = error.message.split('\nCall log')[0].split('\n').filter(line => line && !line.startsWith('<launch'))
      said.push(`${executablePath ?? 'installed by playwright-core'}: ${lines.join('\n')}`)
    }
  }
  throw new Error(`no Chromium starts here. Install one, or name one by E2E_CHROMIUM.\n${said.join('\n')}`)
}

export const launch = async () => (await started()).browser

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { path, browser } = await started()
    console.log(`Chromium ${browser.version()}, ${path}`)
    await browser.close()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
