// Plugins: every state of a version, installing from a file and from a built-in view, what would change, activating, rolling
// back, pausing, removing; and that nobody is offered what they may not do.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { component, message } from './answers.mjs'
import { hold, launch, open, person, settled, stands } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  await kithd.kith(['plugin', 'install', '--builtin', 'strength', '--name', 'strength_30', '--settings', '{"half_life_days":30}'])
  await kithd.kith(['plugin', 'install', '--builtin', 'strength', '--name', 'strength_30', '--settings', '{"half_life_days":90,"weights":{"met":2}}'])
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const installed = async name => (await kithd.kith(['plugin', 'list'])).find(one => one.name === name)
const number = text => Number(text.replace(/[^\d]/g, ''))

it('they are quiet, the same after a reload, and have nothing for axe to find', async () => {
  await hold(browser, kithd, ['#/demo/plugins', '#/demo/plugins?install=builtin', '#/demo/plugins?install=file', '#/demo/plugins/strength_30', '#/demo/plugins/strength', '#/demo/plugins/bridges', '#/demo/plugins/nothing', '#/default/plugins'], /; the line since you opened this page/g)
})

describe('installing', () => {
  it('a built-in view with settings of its own: errors stand at their field, then it is there', async () => {
    const context = await person(browser, kithd)
    const { page, problems } = await open(context, kithd, '#/demo/plugins')
    await page.keyboard.press('i')
    await page.getByRole('button', { name: 'A built-in view with other settings' }).click()
    assert.match(page.url(), /install=builtin/)
    const install = page.getByRole('button', { name: 'Install', exact: true }).last()
    await install.click()
    assert.match(await page.locator('#fault-builtin').innerText(), /Choose a view/)
    await page.getByLabel('View or report').selectOption('keep_in_touch')
    for (const [field, label, wrong, right, said] of [
      ['settings', 'Settings, as JSON', '[1]', '{}', /no JSON object/],
      ['name', 'Name', 'Not A Name', 'keep_in_touch', /is not a name/],
      ['name', 'Name', 'keep_in_touch', 'slow', /is built in: give the plugin another name/],
      ['settings', 'Name', 'slow', 'slow', /give it settings of its own/],
      ['settings', 'Settings, as JSON', '{"days_min":-1}', '{"days_min":2}', /refuses the settings: .*days_min/],
    ]) {
      const input = page.getByRole('textbox', { name: label })
      await input.fill(wrong)
      await install.click()
      await page.locator(`#fault-${field}`).getByText(said).waitFor()
      if (field === (label === 'Name' ? 'name' : 'settings')) assert.equal(await input.getAttribute('aria-invalid'), 'true')
      await input.fill(right)
    }
    await install.click()
    await page.getByText(/is installed, at/).waitFor()
    await page.getByRole('button', { name: 'Open it' }).click()
    await stands(page)
    assert.equal(new URL(page.url()).hash, '#/demo/plugins/slow')
    assert.deepEqual((await installed('slow')).versions.map(one => [one.settings, one.active]), [[{ days_min: 2 }, true]])
    assert.deepEqual(problems, [])
    await context.close()
  })

  it('a component from a file, chosen or dropped; what is no component is refused at the file', async () => {
    const strength = (await kithd.kith(['view'])).find(view => view.name === 'strength')
    const bytes = await component(kithd, strength.component)
    assert.ok(bytes.length > 10_000, `${bytes.length} bytes`)
    const context = await person(browser, kithd)
    const { page } = await open(context, kithd, '#/demo/plugins?install=file')
    const install = page.getByRole('button', { name: 'Install', exact: true }).last()
    await page.getByLabel('Component').setInputFiles({ name: 'no.wasm', mimeType: 'application/wasm', buffer: Buffer.from('not a component') })
    await install.click()
    await page.locator('#fault-data').getByText(/component/).waitFor()
    const dropped = await page.evaluateHandle(content => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([Uint8Array.from(atob(content), letter => letter.charCodeAt(0))], 'mine.wasm'))
      return transfer
    }, bytes.toString('base64'))
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped })
    await page.getByText('mine.wasm').waitFor()
    await page.getByRole('textbox', { name: 'Name' }).fill('mine')
    await page.getByLabel('Settings, as JSON').fill('{"half_life_days":7}')
    await install.click()
    await page.getByText(/is installed, at/).waitFor({ timeout: 60_000 })
    const { versions } = await installed('mine')
    assert.deepEqual(versions.map(one => one.component), [strength.component])
    await context.close()
  })
})

it('what would change is what the command line says; then it is activated, rolled back, paused, resumed and removed', async () => {
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, '#/demo/plugins/strength_30')
  await stands(page)
  const [diff] = await kithd.kith(['plugin', 'diff', 'strength_30'])
  const figure = name => page.locator('dl div').filter({ hasText: new RegExp(`^${name}`) }).locator('dd').first().innerText()
  assert.deepEqual([number(await figure('equal')), number(await figure('changed')), number(await figure('added')), number(await figure('removed'))], [diff.rows_equal, diff.rows_changed, diff.rows_added, diff.rows_removed])
  const [first] = diff.moves
  const row = await page.getByLabel('What changes most').locator('tbody tr').first().innerText()
  for (const value of [first.from, first.to]) assert.ok(row.includes(value.toFixed(2)), `${row}: ${value}`)
  const settings = await page.locator('tr.differs').allInnerTexts()
  assert.equal(settings.length, 2)
  assert.match(settings.join(), /half life days.*90.*30/s)

  await page.keyboard.press('a')
  await page.getByRole('dialog').getByRole('button', { name: 'Activate' }).click()
  await page.getByText(/^2\.0\.0\+2 answers, at/).waitFor()
  assert.equal((await installed('strength_30')).versions[1].active, true)
  await page.getByRole('button', { name: 'Roll back' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click()
  await page.getByText(/answers again, at/).waitFor()
  assert.equal((await installed('strength_30')).versions[0].active, true)

  await page.getByRole('button', { name: 'Pause' }).click()
  await page.locator('header .chip').getByText('paused').waitFor()
  assert.equal((await installed('strength_30')).paused, true)
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('header .chip').getByText('running').waitFor()

  await page.getByRole('button', { name: 'Remove …' }).click()
  const remove = page.getByRole('dialog').getByRole('button', { name: 'Remove' })
  assert.equal(await remove.isDisabled(), true)
  await page.getByLabel(/^Type strength_30/).fill('strength_30')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Plugins' }).waitFor()
  assert.equal(await installed('strength_30'), undefined)
  await settled(page)
  assert.equal(await page.getByRole('link', { name: 'strength_30' }).count(), 0)
  assert.deepEqual(problems, [])
  await context.close()
})

it('every state of a version has its word, and what is wrong is said with the way to the entry', async () => {
  const [one] = await kithd.kith(['person', 'list'])
  const view = more => ({ name: 'trial', version: '1', key: 'person', cursor: 40n, lag: 60n, fields: [], ...more })
  const version = (name, more) => ({ version: name, component: Buffer.alloc(32), settings: '{}', installedAt: 7n, installedBy: 'token:owner', ...more })
  const quarantined = [{ key: [one.id], position: 40n, message: 'division by zero\u202e' }]
  const [BUILDING, RUNNING, STOPPED, PAUSED, WAITING] = [1, 2, 3, 4, 5]
  const cases = [
    ['being built', { versions: [version('1', { active: true, view: view({ state: BUILDING }) })] }, /40 of 100 entries/],
    ['running', { versions: [version('1', { active: true, view: view({ state: RUNNING, lag: 0n, faults: 3n, quarantined }) })] }, /In quarantine 1.*division by zeroU\+202E.*at 40/s],
    ['stopped', { versions: [version('1', { active: true, view: view({ state: STOPPED, lastError: 'out of fuel' }) })] }, /out of fuel/],
    ['paused', { paused: true, versions: [version('1', { active: true, view: view({ state: PAUSED }) })] }, /paused, and its rows answer as of there/],
    ['waits for room on the disk', { versions: [version('1', { active: true, view: view({ state: WAITING, lastError: 'the disk has no room' }) })] }, /the disk has no room/],
    ['does not run', { versions: [version('1', { active: true, problem: 'its component is missing: install it again' })] }, /its component is missing/],
    ['no view is kept', { versions: [version('1', {}), version('2', { active: true, view: view({ state: RUNNING, lag: 0n }) })] }, /answers/],
  ]
  const context = await person(browser, kithd)
  for (const [word, plugin, said] of cases) {
    const page = await context.newPage()
    await page.route('**/kith.v1.PluginService/ListPlugins', async route => route.fulfill(await message('plugin', 'ListPluginsResponse', { plugins: [{ name: 'trial', scope: 1, ...plugin }], head: 100n })))
    await page.goto(`${kithd.base}#/demo/plugins/trial`)
    const chip = page.locator('main .chip').filter({ hasText: word }).first()
    await chip.waitFor()
    assert.equal(await chip.locator('svg').count(), 1, `${word}: an icon beside the word`)
    assert.match(await page.locator('main').innerText(), said, word)
    if (word === 'running') assert.equal(await page.getByRole('link', { name: 'at 40' }).getAttribute('href'), '#/demo/log/40')
    await page.close()
  }
  await context.close()
})

it('an owner ends a plugin that only its organisation sees, by what it costs', async () => {
  const context = await person(browser, kithd)
  const [analyst] = await kithd.kith(['token', 'add', '--role', 'analyst', '--organisation', 'larkspur'])
  await kithd.kith(['plugin', 'install', '--builtin', 'help', '--name', 'ours', '--scope', 'organisation', '--settings', '{"half_life_days":9}'], { token: analyst.secret })
  const theirs = await person(browser, kithd, { token: analyst.secret })
  const own = await open(theirs, kithd, '#/demo/plugins/ours')
  await stands(own.page)
  assert.match(await own.page.locator('main').innerText(), /’s own/)
  await theirs.close()
  const { page } = await open(context, kithd, '#/demo/plugins')
  await stands(page)
  assert.doesNotMatch(await page.locator('main').innerText(), /\bours\b/)
  await page.getByRole('button', { name: 'Remove …' }).click()
  await page.getByLabel('Type larkspur').fill('larkspur')
  await page.keyboard.press('Enter')
  await page.getByText(/^Removed at/).waitFor()
  assert.equal((await kithd.kith(['plugin', 'list'], { token: analyst.secret })).some(one => one.name === 'ours'), false)
  await context.close()
})

it('a recorder sees how plugins are, and is offered nothing', async () => {
  const [recorder] = await kithd.kith(['token', 'add', '--role', 'recorder'])
  const context = await person(browser, kithd, { token: recorder.secret })
  const { page } = await open(context, kithd, '#/demo/plugins/slow?install=file')
  await stands(page)
  assert.equal(await page.locator('nav').getByRole('link', { name: 'Plugins' }).count(), 0)
  assert.equal(await page.locator('dialog[open]').count(), 0)
  assert.equal(await page.getByRole('button', { name: /Activate|Pause|Remove|Another|Roll back/ }).count(), 0)
  await page.keyboard.press('i')
  assert.equal(await page.locator('dialog[open]').count(), 0)
  await context.close()
})
