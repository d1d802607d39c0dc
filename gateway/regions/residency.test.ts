import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  intersectResidency,
  parseResidency,
  parseResidencyHeader,
  RESIDENCY_TAGS_MAX,
  type ResidencyProblem,
  type ResidencySources,
  residencyOf,
  residencyRefusal,
  type ServingRegion,
  satisfiesResidency,
} from './residency.ts'

const VOCABULARY = ['us', 'eu', 'gdpr', 'ap']
const NEW_YORK = ['us']
const FRANKFURT = ['eu', 'gdpr']
const ZURICH = ['eu']
const SINGAPORE = ['ap']
const UNTAGGED: string[] = []
const SITES = { NEW_YORK, FRANKFURT, ZURICH, SINGAPORE, UNTAGGED }

function allowedBy(sources: ResidencySources): string[] {
  const policy = residencyOf(sources, VOCABULARY)
  return Object.entries(SITES)
    .filter(([, tags]) => satisfiesResidency(tags, policy))
    .map(([name]) => name)
}

const POLICIES: readonly [situation: string, sources: ResidencySources, allowed: string[]][] = [
  ['no list at all is everywhere', {}, Object.keys(SITES)],
  ['one tag of the list is enough', { tenant: ['eu', 'us'] }, ['NEW_YORK', 'FRANKFURT', 'ZURICH']],
  [
    'a region without tags holds no restricted data',
    { tenant: VOCABULARY },
    ['NEW_YORK', 'FRANKFURT', 'ZURICH', 'SINGAPORE'],
  ],
  ['a tenant without a list has the default', { byDefault: ['eu'] }, ['FRANKFURT', 'ZURICH']],
  [
    'a tenant’s list takes the default’s place',
    { byDefault: ['eu'], tenant: ['ap'] },
    ['SINGAPORE'],
  ],
  ['a request narrows', { tenant: ['eu', 'us'], request: ['us'] }, ['NEW_YORK']],
  [
    'a request narrows by a tag that lies inside another',
    { tenant: ['eu'], request: ['gdpr'] },
    ['FRANKFURT'],
  ],
  ['a request never widens', { tenant: ['eu'], request: ['us'] }, []],
  ['a request may bind a tenant that nothing binds', { request: ['ap'] }, ['SINGAPORE']],
]

for (const [situation, sources, allowed] of POLICIES) {
  test(situation, () => {
    assert.deepEqual(allowedBy(sources), allowed)
  })
}

const DOUBTFUL: readonly [list: unknown, problem: ResidencyProblem][] = [
  [[], 'empty-list'],
  [['mars'], 'unknown-tag'],
  [['eu', 'EU'], 'unknown-tag'],
  [['eu', ''], 'unknown-tag'],
  ['eu', 'unreadable'],
  [{ 0: 'eu', length: 1 }, 'unreadable'],
  [['eu', 7], 'unreadable'],
  [false, 'unreadable'],
  [Array.from({ length: RESIDENCY_TAGS_MAX + 1 }, () => 'eu'), 'unreadable'],
]

for (const [list, problem] of DOUBTFUL) {
  test(`${JSON.stringify(list).slice(0, 30)} is ${problem} and allows nothing`, () => {
    assert.deepEqual(parseResidency(list, VOCABULARY), { kind: 'nowhere', problem })
    assert.deepEqual(allowedBy({ tenant: list }), [])
    assert.deepEqual(allowedBy({ byDefault: list }), [])
    assert.deepEqual(allowedBy({ tenant: ['eu'], request: list }), [])
    assert.deepEqual(allowedBy({ tenant: list, request: ['eu'] }), [])
  })
}

test('a header is a list of tags, and one that is there and empty is an empty list', () => {
  assert.equal(parseResidencyHeader(undefined), undefined)
  assert.deepEqual(parseResidencyHeader(' eu, gdpr '), ['eu', 'gdpr'])
  assert.deepEqual(parseResidencyHeader(''), [])
  assert.deepEqual(allowedBy({ request: parseResidencyHeader('eu,,gdpr') }), [])
})

test('an intersection allows what both allow and nothing else', () => {
  const list = fc.option(fc.array(fc.constantFrom(...VOCABULARY, 'mars'), { maxLength: 5 }), {
    nil: undefined,
  })
  const tags = fc.subarray(VOCABULARY)
  fc.assert(
    fc.property(list, list, list, tags, (first, second, third, region) => {
      const [a, b, c] = [first, second, third].map((it) => parseResidency(it, VOCABULARY))
      assert.ok(a && b && c)
      const all = intersectResidency(intersectResidency(a, b), c)

      assert.equal(
        satisfiesResidency(region, all),
        [a, b, c].every((policy) => satisfiesResidency(region, policy)),
      )
    }),
  )
})

const EU_ONLY = parseResidency(['eu'], VOCABULARY)

const REFUSALS: readonly [situation: string, regions: ServingRegion[], code: string][] = [
  [
    'a model that is served only outside is forbidden',
    [
      { residencyTags: ZURICH, serves: false },
      { residencyTags: NEW_YORK, serves: true },
    ],
    'residency_forbidden',
  ],
  [
    'one that is served inside, too, may be asked for again',
    [
      { residencyTags: ZURICH, serves: true },
      { residencyTags: NEW_YORK, serves: true },
    ],
    'residency_unsatisfiable',
  ],
  [
    'a region inside that was never heard of may serve it',
    [
      { residencyTags: ZURICH, serves: undefined },
      { residencyTags: NEW_YORK, serves: true },
    ],
    'residency_unsatisfiable',
  ],
  [
    'one outside that was never heard of proves nothing',
    [{ residencyTags: NEW_YORK, serves: undefined }],
    'residency_unsatisfiable',
  ],
  ['no regions prove nothing', [], 'residency_unsatisfiable'],
]

for (const [situation, regions, code] of REFUSALS) {
  test(situation, () => {
    assert.equal(residencyRefusal(regions, EU_ONLY), code)
  })
}

test('a policy that allows nothing is forbidden wherever the model is', () => {
  const nowhere = parseResidency([], VOCABULARY)

  assert.equal(
    residencyRefusal([{ residencyTags: ZURICH, serves: true }], nowhere),
    'residency_forbidden',
  )
})
