// Erasing and holding words: what would go, what speaks against it, that it is gone, and what is left on every page.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { answer, message } from './answers.mjs'
import { COLOURS, hold, launch, open, person, settled, stands, violations } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, people
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  people = new Map((await kithd.kith(['person', 'list'])).map(one => [one.name, one.id]))
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const idOf = name => people.get(name) ?? assert.fail(`nobody is called ${name}`)
const dialog = page => page.getByRole('dialog')
const main = page => page.locator('main').innerText()
/** A browser of a new token of this role. */
const as = async (...role) => person(browser, kithd, { token: (await kithd.kith(['token', 'add', '--role', ...role]))[0].secret })
/** The newest meeting of a person, after one with this note was recorded. */
async function meeting(name, other, note) {
  await kithd.kith(['met', idOf(name), idOf(other), '--note', note])
  return (await kithd.kith(['log', '--person', idOf(name), '--newest', '--limit', '1']))[0]
}

it('a person is erased by keys: what would go is counted, a reason and their id are asked for, and it is followed to its end', async () => {
  const id = idOf('Percy Dandelion')
  await kithd.kith(['met', id, idOf('Nico Gooseberry'), '--note', 'a word about Percy and Nico'])
  const [{ details, shared_details, others }] = await kithd.kith(['person', 'erase', id, '--reason', 'withdrawn', '--dry-run'])
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, `#/demo/people/${id}`)
  await stands(page)
  assert.match(await main(page), /Percy Dandelion/)
  await page.getByRole('button', { name: 'Erase …' }).focus()
  await page.keyboard.press('Enter')
  await dialog(page).getByText(`${details} details, ${shared_details} of them also about ${others} other`).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SELECT', 'the focus begins at the reason')
  const erase = dialog(page).getByRole('button', { name: 'Erase', exact: true })
  assert.equal(await erase.isDisabled(), true)
  await page.keyboard.type('consent')
  await page.keyboard.press('Tab')
  await page.keyboard.type('IG-2026-0142')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Percy Dandelion')
  assert.equal(await erase.isDisabled(), true, 'a name is no id')
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type(id)
  assert.equal(await erase.isDisabled(), false)
  await page.keyboard.press('Enter')
  await page.getByText(/^Erased at/).waitFor()
  assert.equal(await page.locator('dialog[open]').count(), 0)

  const line = page.locator('.erasure .note')
  await line.getByText(/Completed on/).waitFor({ timeout: 20_000 })
  const [erasure] = await kithd.kith(['person', 'erasure', id])
  const said = await line.innerText()
  assert.match(said, /because consent was withdrawn, case IG-2026-0142\./)
  assert.match(said, new RegExp(`${erasure.completed.details_erased} details and ${erasure.completed.keys_destroyed} key`))
  assert.deepEqual(await line.getByRole('link').evaluateAll(links => links.map(link => link.getAttribute('href'))), [erasure, erasure.completed].map(one => `#/demo/log/${one.position}`))
  await page.getByRole('heading', { level: 1, name: `${id} erased` }).waitFor()
  assert.equal(await page.getByRole('button', { name: /^(Record with|Hold …|Erase …)/ }).count(), 0)
  await page.getByText('a word about Percy and Nico').waitFor({ state: 'detached' })
  await page.reload()
  await stands(page)
  assert.doesNotMatch(await page.content(), /Percy|Dandelion/)
  await page.keyboard.press('r')
  await dialog(page).waitFor()
  await page.keyboard.type(id)
  await page.getByText('Nobody of that name').waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})

it('wherever a name stood, there is their id, and that they are erased', async () => {
  const [id, other] = [idOf('Mabel Starfruit'), idOf('Percy Dandelion')]
  await kithd.kith(['person', 'erase', id, '--reason', 'objected', '--wait'])
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, '#/demo/people')
  await stands(page)
  const row = page.locator('main tbody tr').filter({ hasText: id }).first()
  await row.locator('.erased').first().waitFor()
  await page.goto(`${kithd.base}#/demo/pairs/${[id, other].sort().join('/')}`)
  await page.getByRole('heading', { level: 1, name: new RegExp(`${id} erased`) }).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Record for both' }).count(), 0)
  for (const at of ['log?kinds=administration', 'network?as=table', `people/${id}`, 'today', 'follow-ups', 'introductions']) {
    await page.goto(`${kithd.base}#/demo/${at.replace('today', '')}`)
    await stands(page)
    assert.doesNotMatch(await main(page), /Starfruit|Dandelion/, at)
  }
  await page.goto(`${kithd.base}#/demo/log?kinds=administration`)
  await page.getByText(`person erased ${id}`).first().waitFor()
  assert.match(await main(page), /erased\s*, objected/)
  await page.keyboard.press('ControlOrMeta+K')
  await page.keyboard.type(id)
  await page.getByRole('option', { name: `${id} erased` }).waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})

it('a hold is set, told to everybody, keeps the words, and is lifted', async () => {
  const id = idOf('Opal Windmill')
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, `#/demo/people/${id}`)
  await page.getByText('No hold keeps their words.').waitFor()
  await page.getByRole('button', { name: 'Hold …' }).click()
  const set = dialog(page).getByRole('button', { name: 'Hold', exact: true })
  await dialog(page).getByLabel('Why').selectOption('inquiry')
  assert.equal(await set.isDisabled(), true, 'a hold has a case')
  await dialog(page).getByLabel('Case').fill('case of Opal')
  await set.click()
  await dialog(page).getByRole('alert').getByText(/reference/).waitFor()
  await dialog(page).getByLabel('Case').fill('INQ-7')
  await page.keyboard.press('Enter')
  await page.getByText(/^Held at/).waitFor()
  await page.getByText('for an inquiry, since').waitFor()
  const [listed] = await kithd.kith(['hold', 'list', id])
  assert.deepEqual([listed.reference, listed.reason, listed.organisation], ['INQ-7', 'inquiry', null])
  assert.equal(await page.getByRole('link', { name: 'INQ-7' }).getAttribute('href'), `#/demo/log/${listed.position}`)

  await page.getByRole('button', { name: 'Erase …' }).click()
  await dialog(page).getByText(/Their words are held for INQ-7\./).waitFor()
  await dialog(page).getByLabel('Why').selectOption('withdrawn')
  await dialog(page).getByLabel(`Type ${id}`).fill(id)
  assert.equal(await dialog(page).getByRole('button', { name: 'Erase', exact: true }).isDisabled(), true)
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Lift the hold INQ-7' }).click()
  await dialog(page).getByText(/are held for an inquiry since .*, by the network/).waitFor()
  await dialog(page).getByRole('button', { name: 'Lift', exact: true }).click()
  await page.getByText('No hold keeps their words.').waitFor()
  assert.deepEqual(await kithd.kith(['hold', 'list', id]), [])
  assert.deepEqual(problems, [])
  await context.close()
})

it('what the server says against it is told in plain words, and nothing is erased', async () => {
  const id = idOf('Quinn Applecart')
  await kithd.kith(['hold', 'set', id, '--reason', 'complaint', '--reference', 'C/12'])
  const context = await as('records-officer', '--organisation', 'mossbridge')
  const { page } = await open(context, kithd, '#/demo/people')
  // The page has not heard of the hold yet.
  await page.route('**/kith.v1.RecordsService/ListHolds', route => route.fulfill(answer(Buffer.alloc(0))))
  await page.goto(`${kithd.base}#/demo/people/${id}`)
  await page.getByRole('button', { name: 'Erase …' }).click()
  await dialog(page).getByLabel('Why').selectOption('withdrawn')
  await dialog(page).getByLabel(`Type ${id}`).fill(id)
  await page.keyboard.press('Enter')
  await dialog(page).getByText('Their words are held for C/12: whoever set the hold has to lift it first.').waitFor()
  await kithd.kith(['hold', 'lift', id, '--reference', 'C/12'])
  await kithd.kith(['person', 'change', id, '--organisation', 'larkspur'])
  await page.keyboard.press('Enter')
  await dialog(page).getByRole('alert').getByText(/This token may not erase them/).waitFor()
  assert.deepEqual((await kithd.kith(['log', '--person', id, '--kind', 'person_erased'])), [])
  await context.close()
})

it('what would be erased is a panel of its own, and says what is wrong with it', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, `#/demo/people/${idOf('Yara Hazelwand')}`)
  let isDown = true
  await page.route('**/kith.v1.RecordsService/ErasePerson', route => (isDown ? route.abort() : route.continue()))
  await page.getByRole('button', { name: 'Erase …' }).click()
  await dialog(page).getByText('Not connected. Trying again.').waitFor()
  isDown = false
  await dialog(page).getByText(/^\d+ details/).waitFor({ timeout: 15_000 })
  await context.close()
})

it('an erasure that is not completed says so, until it is', async () => {
  const id = idOf('Percy Dandelion')
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/people')
  const pending = { person: id, event: Buffer.alloc(16, 7), position: 2500n, recordedAt: { seconds: 1_790_000_000n, nanos: 0 }, reason: 'legal-duty' }
  await page.route('**/kith.v1.RecordsService/GetErasure', async route => route.fulfill(await message('records', 'GetErasureResponse', { erasures: [pending] })))
  await page.goto(`${kithd.base}#/demo/people/${id}`)
  const line = page.locator('.erasure .note')
  await line.getByText('Not completed yet:').waitFor()
  assert.match(await line.innerText(), /because the law requires it\./)
  await page.unroute('**/kith.v1.RecordsService/GetErasure')
  await kithd.kith(['met', idOf('Nico Gooseberry'), idOf('Ada Quillfeather')])
  await line.getByText(/Completed on/).waitFor()
  await context.close()
})

it('every id that means the person goes with them', async () => {
  const [kept, merged] = [idOf('Zeno Mistletoe'), idOf('Xander Plumcake')]
  await kithd.kith(['person', 'merge', '--into', kept, merged])
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, `#/demo/people/${kept}`)
  await page.getByRole('button', { name: 'Erase …' }).click()
  await dialog(page).getByText(`under 2 ids: ${kept}, ${merged}`).waitFor()
  await dialog(page).getByLabel('Why').selectOption('child')
  await dialog(page).getByLabel(`Type ${kept}`).fill(kept)
  await page.keyboard.press('Enter')
  const lines = page.locator('.erasure .note')
  await lines.filter({ hasText: 'Completed on' }).nth(1).waitFor({ timeout: 20_000 })
  assert.deepEqual(await lines.evaluateAll(all => all.map(one => /The words about (\S+) were/.exec(one.innerText)?.[1])), [kept, merged])
  await context.close()
})

it('who may is offered it: an organisation erases its own people and holds others, everybody sees the holds', async () => {
  const [own, other] = [idOf('Leopold Tinderbox'), idOf('Lotte Blackbird')]
  await kithd.kith(['hold', 'set', own, '--reason', 'statutory', '--reference', 'ST-1'])
  const buttons = async (context, id) => {
    const { page } = await open(context, kithd, `#/demo/people/${id}`)
    await page.getByRole('heading', { name: 'Their words' }).waitFor()
    await settled(page)
    const found = await page.locator('aside').getByRole('button', { name: /…$|^Lift/ }).evaluateAll(all => all.map(one => one.ariaLabel ?? one.innerText.trim()))
    if (id === own) await page.getByText('for a statutory duty, since').waitFor()
    await page.close()
    return found
  }
  const officer = await as('records-officer', '--organisation', 'mossbridge')
  assert.deepEqual(await buttons(officer, own), ['Hold …', 'Erase …'], 'the hold of the network is not theirs to lift')
  assert.deepEqual(await buttons(officer, other), ['Hold …'])
  const ofNetwork = await as('records-officer')
  assert.deepEqual(await buttons(ofNetwork, own), ['Lift the hold ST-1', 'Hold …', 'Erase …'])
  assert.deepEqual(await buttons(ofNetwork, other), ['Hold …', 'Erase …'])
  const recorder = await as('recorder', '--organisation', 'mossbridge')
  assert.deepEqual(await buttons(recorder, own), [])
  for (const context of [officer, ofNetwork, recorder]) await context.close()
})

it('a detail of an entry is erased, and says by which entry', async () => {
  const { position } = await meeting('Ada Quillfeather', 'Nico Gooseberry', 'these words are wrong')
  const reader = await as('reader')
  const { page: theirs } = await open(reader, kithd, `#/demo/log/${position}`)
  await theirs.getByText('these words are wrong').waitFor()
  assert.equal(await theirs.getByRole('button', { name: 'Erase …' }).count(), 0)

  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, `#/demo/log/${position}`)
  await page.getByRole('button', { name: 'Erase …' }).click()
  assert.match(await dialog(page).innerText(), /these words are wrong/)
  await dialog(page).getByLabel(/^Case/).fill('IG-3')
  await page.keyboard.press('Enter')
  const by = page.getByRole('link', { name: /^entry [\d,]+$/ })
  await by.waitFor()
  assert.doesNotMatch(await main(page), /these words are wrong/)
  const [erased] = await kithd.kith(['log', '--kind', 'details_erased'])
  assert.equal(await by.getAttribute('href'), `#/demo/log/${erased.position}`)
  await theirs.getByText('these words are wrong').waitFor({ state: 'detached' })
  await by.click()
  await page.getByText(/details erased 1 detail of event the meeting of .*, error, case IG-3/).waitFor()
  await page.goto(`${kithd.base}#/demo/log?kinds=administration`)
  await page.getByText(/details erased 1 detail of event/).waitFor()
  assert.deepEqual(problems, [])
  await reader.close()
  await context.close()
})

it('the pages are quiet, the same after a reload, and have nothing for axe to find', async () => {
  const { position } = await meeting('Wanda Riverpebble', 'Nico Gooseberry', 'wrong, too')
  await kithd.kith(['details', 'erase', (await kithd.kith(['log', '--person', idOf('Wanda Riverpebble'), '--newest', '--limit', '1']))[0].id, '--reason', 'error'])
  const [gone, held] = [idOf('Percy Dandelion'), idOf('Wanda Riverpebble')]
  await kithd.kith(['hold', 'set', held, '--reason', 'legal-claim', '--reference', 'LONG/2026_0031.b-and-what-else-belongs-to-a-case'])
  const places = [`#/demo/people/${gone}`, `#/demo/people/${held}`, `#/demo/log/${position}`]
  await hold(browser, kithd, places)
})

it('the panels have nothing for axe to find, and fit', async () => {
  const { position } = await meeting('Silas Butterbean', 'Nico Gooseberry', 'some words')
  const context = await person(browser, kithd, { bypassCSP: true })
  for (const [at, button] of [[`people/${idOf('Silas Butterbean')}`, 'Erase …'], [`people/${idOf('Wanda Riverpebble')}`, 'Erase …'], [`people/${idOf('Silas Butterbean')}`, 'Hold …'], [`log/${position}`, 'Erase …']]) {
    const { page, problems } = await open(context, kithd, `#/demo/${at}`)
    await page.getByRole('button', { name: button }).click()
    await dialog(page).waitFor()
    for (const [width, height] of [[1440, 900], [390, 844], [320, 640]]) {
      await page.setViewportSize({ width, height })
      await settled(page)
      assert.deepEqual(await violations(page), [], `${at} ${button}, ${width} px`)
      assert.ok(await dialog(page).evaluate(one => one.scrollWidth <= one.clientWidth), `${at} ${button}, ${width} px`)
    }
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await settled(page)
    assert.deepEqual(await violations(page, COLOURS), [], `${at} ${button}, dark`)
    assert.deepEqual(problems, [])
    await page.close()
  }
  await context.close()
})
