// Access: issuing a token whose secret is shown once and forgotten, revoking one, calendar feeds, and what is warned about.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { hold, launch, open, person, settled, stands } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const tokens = () => kithd.kith(['token', 'list'])
const row = (page, id) => page.locator('main tr').filter({ hasText: id })

it('it is quiet, the same after a reload, and has nothing for axe to find', async () => {
  const [gone] = await kithd.kith(['token', 'add', '--role', 'reader', '--person', 'Nico'])
  await kithd.kith(['token', 'add', '--role', 'recorder', '--person', 'Ada', '--organisation', 'mossbridge', '--expires', '90d'])
  await kithd.kith(['token', 'revoke', gone.id])
  await hold(browser, kithd, ['#/demo/access', '#/demo/access?state=all', '#/demo/access?issue=1'])
})

it('a token is issued by keys; its secret is shown once, works where its line says, and is forgotten', async () => {
  const context = await person(browser, kithd)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const { page, problems } = await open(context, kithd, '#/demo/access')
  await page.keyboard.press('i')
  await page.locator('dialog[open]').waitFor()
  await page.keyboard.type('ada')
  await page.keyboard.press('Enter')
  assert.equal(await page.getByRole('combobox', { name: /^Organisation/ }).inputValue(), 'mossbridge', 'the organisation is that of the person')
  await page.getByLabel('Good for days').fill('30')
  await page.keyboard.press('Enter')
  const field = page.getByLabel(/^Secret of/)
  const secret = await field.inputValue()
  const [issued] = (await tokens()).filter(token => token.person && !token.revoked_at).slice(-1)
  assert.match(secret, /^kith_/)
  assert.match(await page.locator('dialog').innerText(), /shown only now/)
  const days = (Date.parse(issued.expires_at) - Date.now()) / 86_400_000
  assert.ok(issued.role === 'recorder' && issued.organisation === 'mossbridge' && days > 29.9 && days < 30.1, JSON.stringify(issued))

  // Closing it once warns; the second time it is gone.
  await page.getByRole('button', { name: 'Close and forget it' }).click()
  await page.getByText(/You have not copied or saved it/).waitFor()
  const line = await page.locator('dialog code').innerText()
  await page.getByRole('button', { name: 'Copy the secret' }).click()
  await page.getByText('The secret is copied').waitFor()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret)
  await page.getByRole('button', { name: 'Done' }).click()
  assert.equal(await page.locator('dialog[open]').count(), 0)
  await page.goBack()
  await page.goForward()
  await page.reload()
  await stands(page)
  assert.ok(!(await page.content()).includes(secret))
  assert.ok(!(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage, state: history.state }))).includes(secret))

  // The line is typed as it stands, in the folder where the file was saved.
  const home = await mkdtemp(join(kithd.data, 'home-'))
  const [command, ...args] = line.split(' ')
  assert.equal(command, 'kith')
  await writeFile(join(home, args.at(-1)), `${secret}\n`)
  const at = args.map(word => (word === kithd.base.replace(/\/$/, '') ? kithd.at : word))
  const bin = process.env.E2E_BIN ?? new URL('../../../target/debug', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(join(bin, 'kith'), at, { cwd: home, env: { HOME: home, PATH: process.env.PATH } })
  assert.match(stdout, /logged in to .*, network demo/)
  assert.deepEqual(problems, [])
  await context.close()
})

it('what does not fit stands at its field, in the words of the server', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/access?issue=1')
  const issue = page.getByRole('button', { name: 'Issue', exact: true })
  await page.getByLabel('Good for days').fill('soon')
  await issue.click()
  assert.match(await page.locator('#fault-expires_at').innerText(), /whole number of days/)
  await page.getByLabel('Good for days').fill('')
  assert.match(await page.locator('#end').innerText(), /Without an end/)
  await page.getByLabel('Whom it speaks for').fill('ada')
  await page.keyboard.press('Enter')
  await page.getByRole('combobox', { name: /^Organisation/ }).selectOption('larkspur')
  const count = (await tokens()).length
  await issue.click()
  await page.locator('dialog [role=alert]').waitFor()
  const at = await page.locator('dialog [role=alert]').getAttribute('id')
  assert.ok(['fault-person', 'fault-organisation'].includes(at), `${at}: ${await page.locator('dialog [role=alert]').innerText()}`)
  assert.equal((await tokens()).length, count)
  await context.close()
})

it('revoking says what ends, and ends the browser that was signed in with it', async () => {
  const [issued] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', 'Nico', '--expires', '3d'])
  const theirs = await person(browser, kithd, { token: issued.secret })
  const { page: other } = await open(theirs, kithd, '#/demo')
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/access')
  await stands(page)
  assert.match(await row(page, issued.id).innerText(), /ends in 2 d/)
  await page.getByRole('searchbox').fill(`nico ${issued.id}`)
  assert.equal(await page.locator('main tbody tr').count(), 1)
  await page.getByRole('button', { name: `Revoke … ${issued.id}` }).click()
  assert.match(await page.getByRole('dialog').innerText(), /Nico Gooseberry can no longer.*every browser that was signed in with it end at once/s)
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByText(/^Revoked at/).waitFor()
  await row(page, issued.id).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Ended and revoked, too' }).click()
  assert.match(await row(page, issued.id).innerText(), /revoked/)
  await other.getByRole('heading', { name: 'Sign in to Kith' }).waitFor({ timeout: 20_000 })
  await context.close()
  await theirs.close()
})

it('the own token is marked, revoking it is warned about, and leads to sign in', async () => {
  const [owner] = await kithd.kith(['token', 'add', '--role', 'owner'])
  const context = await person(browser, kithd, { token: owner.secret })
  const { page } = await open(context, kithd, '#/demo/access')
  await stands(page)
  assert.match(await row(page, owner.id).innerText(), /yours/)
  assert.doesNotMatch(await page.locator('main').innerText(), /the whole server/)
  await page.getByRole('button', { name: `Revoke … ${owner.id}` }).click()
  assert.match(await page.getByRole('dialog').innerText(), /This is your own token/)
  assert.equal(await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).isDisabled(), true)
  await page.getByLabel(`Type ${owner.id}`).fill(owner.id)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Sign in to Kith' }).waitFor()
  await context.close()
})

it('an owner of an organisation sees and issues its tokens only; a recorder is refused', async () => {
  const [owner] = await kithd.kith(['token', 'add', '--role', 'owner', '--organisation', 'larkspur'])
  const [recorder] = await kithd.kith(['token', 'add', '--role', 'recorder'])
  const context = await person(browser, kithd, { token: owner.secret })
  const { page } = await open(context, kithd, '#/demo/access?issue=1')
  await settled(page)
  assert.equal(await page.getByRole('combobox', { name: /^Organisation/ }).isDisabled(), true)
  assert.equal(await page.getByRole('combobox', { name: /^Organisation/ }).inputValue(), 'larkspur')
  await page.getByLabel('Whom it speaks for').fill('ada')
  await page.getByText('Nobody of that name').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  assert.deepEqual(await page.locator('main tbody .who > .mono').allInnerTexts(), [`${owner.id}\nyours`])
  await context.close()
  const refused = await person(browser, kithd, { token: recorder.secret })
  const { page: other } = await open(refused, kithd, '#/demo/access?issue=1')
  await other.getByText(/signed in as recorder, which may not see this/).waitFor()
  assert.equal(await other.getByRole('button', { name: /Issue|Revoke/ }).count() + (await other.locator('dialog[open]').count()), 0)
  assert.equal(await other.locator('nav').getByRole('link', { name: 'Access' }).count(), 0)
  await refused.close()
})

it('calendar feeds stand apart; owners and whom they are about revoke them, and nothing else of them is shown', async () => {
  const calendar = feed => fetch(`${kithd.at}${new URL(feed.url).pathname}`).then(answer => answer.status)
  const revoke = async (page, feed, name) => {
    await page.getByRole('button', { name: `Revoke … ${feed.id}` }).click()
    assert.match(await page.getByRole('dialog').innerText(), new RegExp(`The calendar of ${name} at this address shows nothing any more`))
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText(/^Revoked at/).waitFor()
    await row(page, feed.id).waitFor({ state: 'detached' })
    assert.notEqual(await calendar(feed), 200)
  }
  const ids = page => page.locator('main tbody tr').evaluateAll(all => all.map(one => one.dataset.step).sort())
  const [{ id: token, secret }] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', 'Ada', '--organisation', 'mossbridge'])
  const [adas] = await kithd.kith(['feed', 'add'], { token: secret })
  const [nicos] = await kithd.kith(['feed', 'add', '--person', 'Nico', '--expires', '365d'])
  assert.deepEqual([await calendar(adas), await calendar(nicos)], [200, 200])

  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, '#/demo/access')
  await stands(page)
  assert.match(await page.locator('main header').innerText(), /2 calendar feeds/)
  assert.match(await row(page, nicos.id).innerText(), /Nico Gooseberry.*calendar.*calendar feed.*what is due, by its address/s)
  await page.getByRole('button', { name: 'Calendar feeds' }).click()
  await page.waitForURL(/state=feeds/)
  assert.deepEqual(await ids(page), [adas.id, nicos.id].sort())
  await revoke(page, nicos, 'Nico Gooseberry')
  assert.deepEqual(problems, [])
  await context.close()

  const own = await person(browser, kithd, { token: secret })
  const { page: theirs } = await open(own, kithd, '#/demo')
  await theirs.locator('nav').getByRole('link', { name: 'Access' }).click()
  await stands(theirs)
  assert.deepEqual(await ids(theirs), [adas.id], `not ${token}`)
  assert.equal(await theirs.getByRole('button', { name: 'Issue a token' }).count(), 0)
  await revoke(theirs, adas, 'Ada Quillfeather')
  await own.close()
})
