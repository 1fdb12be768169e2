import { describe, expect, it } from 'vitest'
import { changed, format, parse, type Place } from '../src/state/route'

const place = (network: string, page = '', rest: string[] = [], state: Record<string, string> = {}): Place => ({ network, page, rest, state })

describe('every place has one address, and every address opens as its place', () => {
  const cases: [Place, string][] = [
    [place('demo'), '#/demo'],
    [place('demo', 'network', [], { at: '2025-06-15', min: '8', person: 'p-1' }), '#/demo/network?at=2025-06-15&min=8&person=p-1'],
    [place('demo', 'people', ['p-ounyvnx6h7']), '#/demo/people/p-ounyvnx6h7'],
    [place('demo', 'pairs', ['amina@north', 'ben'], { kinds: 'met,helped' }), '#/demo/pairs/amina@north/ben?kinds=met,helped'],
    [place('', 'login', [], { to: '#/demo/log?kinds=met' }), '#/login?to=%23%2Fdemo%2Flog%3Fkinds%3Dmet'],
    [place('', 'operations'), '#/operations'],
    [place('demo', 'views', ['strength', 'why', 'a/b'], { sort: '-score' }), '#/demo/views/strength/why/a%2Fb?sort=-score'],
  ]
  it.each(cases)('%o', (one, address) => {
    expect(format(one)).toBe(address)
    expect(parse(address)).toEqual(one)
  })
})

it('an address that nobody wrote opens something', () => {
  for (const hash of ['', '#', '#/', '#//', '#/%', '#/demo/%E0%A4%A', '#?', '#/demo?=&&', `#/${'x'.repeat(10_000)}`]) {
    const read = parse(hash)
    expect(parse(format(read))).toEqual(read)
  }
})

it('a change sets and takes out parts of the state and nothing else', () => {
  const one = place('demo', 'network', [], { at: '2025-06-15', min: '8' })
  expect(changed(one, { at: null, person: 'p-1', min: '' })).toEqual(place('demo', 'network', [], { person: 'p-1' }))
  expect(one.state).toEqual({ at: '2025-06-15', min: '8' })
})
