import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type DrainAudit,
  type DrainRecord,
  encodeAudit,
  encodeDrain,
  encodeView,
  isGatewayId,
  isRegionId,
  operatorName,
  parseAudit,
  parseDrain,
  parseView,
  sharedKeys,
} from './shared-view-records.ts'

const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const DAY_MS = 86_400_000
const DRAIN: DrainRecord = { isDrained: true, by: 'Zoë 🛠', atMs: NOW_MS }
const WORD: DrainAudit = { ...DRAIN, regionId: 'eu-central', gatewayId: 'gw1' }

test('what is written is read back as it was', () => {
  const view = { kind: 'ejected', forMs: 1_234 } as const

  assert.deepEqual(parseView(encodeView(view)), view)
  assert.deepEqual(parseDrain(encodeDrain(DRAIN), NOW_MS), DRAIN)
  assert.deepEqual(parseAudit(encodeAudit(WORD), NOW_MS), WORD)
})

test('a view lasts whole milliseconds, and never less than none', () => {
  assert.deepEqual(parseView(encodeView({ kind: 'healthy', forMs: 0.6 }))?.forMs, 1)
  assert.deepEqual(parseView(encodeView({ kind: 'healthy', forMs: -3 }))?.forMs, 0)
})

test('fields that a later build adds are ignored', () => {
  const view = JSON.stringify({ state: 'down', forMs: 5, weather: 'rain' })
  const drain = JSON.stringify({ drained: false, by: 'ops', atMs: NOW_MS, why: ['heat'] })

  assert.deepEqual(parseView(view), { kind: 'down', forMs: 5 })
  assert.deepEqual(parseDrain(drain, NOW_MS), { isDrained: false, by: 'ops', atMs: NOW_MS })
})

const NO_RECORDS: readonly unknown[] = [
  undefined,
  null,
  7,
  ['a'],
  { state: 'healthy' },
  '',
  'healthy',
  '{"state":"healthy"',
  'null',
  '7',
  '[]',
  '{}',
  `{"state":"healthy","forMs":1,"more":"${'x'.repeat(512)}"}`,
]

for (const value of NO_RECORDS) {
  test(`${JSON.stringify(value)?.slice(0, 40)} is neither view nor drain nor word`, () => {
    assert.equal(parseView(value), undefined)
    assert.equal(parseDrain(value, NOW_MS), undefined)
    assert.equal(parseAudit(value, NOW_MS), undefined)
  })
}

const NO_VIEWS: readonly Record<string, unknown>[] = [
  { state: 'open', forMs: 1 },
  { state: 'toString', forMs: 1 },
  { state: ['healthy'], forMs: 1 },
  { state: 'healthy' },
  { state: 'healthy', forMs: '1' },
  { state: 'healthy', forMs: -1 },
  { state: 'healthy', forMs: 1e13 },
]

for (const fields of NO_VIEWS) {
  test(`${JSON.stringify(fields)} is no view`, () => {
    assert.equal(parseView(JSON.stringify(fields)), undefined)
  })
}

test('a time beyond all numbers is no time', () => {
  assert.equal(parseView('{"state":"healthy","forMs":1e999}'), undefined)
  assert.equal(parseDrain('{"drained":true,"by":"ops","atMs":1e999}', NOW_MS), undefined)
})

const NO_DRAINS: readonly Record<string, unknown>[] = [
  { drained: 'true', by: 'ops', atMs: NOW_MS },
  { drained: true, atMs: NOW_MS },
  { drained: true, by: '', atMs: NOW_MS },
  { drained: true, by: 'a\nb', atMs: NOW_MS },
  { drained: true, by: '\u202eops', atMs: NOW_MS },
  { drained: true, by: 'x'.repeat(65), atMs: NOW_MS },
  { drained: true, by: 'ops', atMs: String(NOW_MS) },
  { drained: true, by: 'ops', atMs: -1 },
  { drained: true, by: 'ops', atMs: NOW_MS + DAY_MS + 1 },
]

for (const fields of NO_DRAINS) {
  test(`${JSON.stringify(fields).slice(0, 60)} is no drain`, () => {
    assert.equal(parseDrain(JSON.stringify(fields), NOW_MS), undefined)
  })
}

test('a drain by a clock that is a day ahead still counts', () => {
  const drain = { ...DRAIN, atMs: NOW_MS + DAY_MS }

  assert.deepEqual(parseDrain(encodeDrain(drain), NOW_MS), drain)
})

test('a word names a region and a gateway by their ids', () => {
  const text = (fields: object) => JSON.stringify({ drained: true, by: 'a', atMs: 1, ...fields })

  assert.ok(parseAudit(text({ region: 'eu-central', gateway: 'gw1' }), NOW_MS))
  assert.equal(parseAudit(text({ region: 'eu central', gateway: 'gw1' }), NOW_MS), undefined)
  assert.equal(parseAudit(text({ region: 'eu-central', gateway: 'gw:1' }), NOW_MS), undefined)
  assert.equal(parseAudit(text({ region: 'eu-central' }), NOW_MS), undefined)
})

test('ids hold nothing that could lead to another key', () => {
  const notRegions = ['', 'a', 'eu:central', 'eu-*', 'EU', 'eu\ncentral', 'x'.repeat(33), 7]
  const notGateways = ['', 'gw:1', 'gw-1', 'GW', 'x'.repeat(17), undefined]

  assert.deepEqual(notRegions.filter(isRegionId), [])
  assert.deepEqual(notGateways.filter(isGatewayId), [])
  assert.ok(isRegionId('eu-central') && isGatewayId('gw1'))
})

test('every key begins with the prefix', () => {
  const keys = sharedKeys('meridian:')

  assert.equal(keys.life('gw1'), 'meridian:gateway:gw1')
  assert.equal(keys.view('eu-central', 'gw1'), 'meridian:region:eu-central:gw1')
  assert.deepEqual(
    [keys.gateways, keys.drains, keys.drainAudit],
    ['meridian:gateways', 'meridian:drains', 'meridian:audit:drains'],
  )
})

test('any name of an operator is made one that can be written', () => {
  assert.equal(operatorName(' Zoë 🛠 '), 'Zoë 🛠')
  assert.equal(operatorName('a\nb\u202ec\ud800'), 'a?b?c?')
  assert.equal(operatorName('🛠'.repeat(100)), '🛠'.repeat(64))
  assert.equal(operatorName(' \t '), '?')
  assert.equal(operatorName(''), 'unknown')
  for (const by of ['\u0000', 'a'.repeat(1_000), `${' '.repeat(70)}b c`]) {
    const drain = { ...DRAIN, by: operatorName(by) }
    assert.deepEqual(parseDrain(encodeDrain(drain), NOW_MS), drain)
  }
})
