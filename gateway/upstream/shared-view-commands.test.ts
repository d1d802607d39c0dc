import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RedisCommand, RedisReply } from './redis-replies.ts'
import {
  auditCommand,
  indexCommand,
  lookCommands,
  publishCommands,
  readAudit,
  readIndex,
  readLook,
  readViews,
  SHARED_VIEW_COMMANDS,
  tellCommand,
  viewsCommands,
  writeDownCommands,
} from './shared-view-commands.ts'
import {
  type DrainAudit,
  type DrainRecord,
  encodeAudit,
  encodeDrain,
  encodeView,
  sharedKeys,
} from './shared-view-records.ts'

const KEYS = sharedKeys('m:')
const REGIONS = ['eu', 'us']
const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const DRAIN: DrainRecord = { isDrained: true, by: 'ops', atMs: NOW_MS }
const WORD: DrainAudit = { ...DRAIN, regionId: 'eu', gatewayId: 'gw1' }
const REFUSAL: RedisReply = { kind: 'refusal', message: 'WRONGTYPE' }

function value(of: unknown): RedisReply {
  return { kind: 'value', value: of }
}

test('a view and the sign of life that vouches for it live equally long', () => {
  const [life, index, prune, view] = publishCommands(KEYS, {
    gatewayId: 'gw1',
    instance: 'one',
    views: [{ regionId: 'eu', kind: 'down', sinceMs: 40 }],
    ttlMs: 5_000,
    nowMs: 100,
    wallClockMs: NOW_MS,
  })

  assert.deepEqual(life, ['set', 'm:gateway:gw1', 'one', 'PX', 5_000, 'GET'])
  assert.deepEqual(index, ['zadd', 'm:gateways', NOW_MS, 'gw1'])
  assert.deepEqual(prune, ['zremrangebyscore', 'm:gateways', '-inf', NOW_MS - 3_600_000])
  assert.deepEqual(view, ['set', 'm:region:eu:gw1', '{"state":"down","forMs":60}', 'PX', 5_000])
})

test('a look asks for the drains of all regions, for the index, and for each other gateway', () => {
  assert.deepEqual(lookCommands(KEYS, { regionIds: REGIONS, others: ['gw2'] }), [
    ['hmget', 'm:drains', 'eu', 'us'],
    ['zrange', 'm:gateways', 0, 63, 'REV'],
    ['pttl', 'm:gateway:gw2'],
  ])
})

test('a look finds drains by region, and says which cannot be read', () => {
  const look = readLook([value([encodeDrain(DRAIN), 'poison']), value(['gw2'])], {
    regionIds: REGIONS,
    wallClockMs: NOW_MS,
  })

  assert.deepEqual(look.drains, new Map([['eu', DRAIN]]))
  assert.deepEqual(look.unreadable, ['us'])
  assert.deepEqual(look.gatewayIds, ['gw2'])
})

test('refused drains and a refused index are unknown, and not empty', () => {
  const look = readLook([REFUSAL, REFUSAL], { regionIds: REGIONS, wallClockMs: NOW_MS })

  assert.equal(look.drains, undefined)
  assert.equal(look.gatewayIds, undefined)
  assert.deepEqual(look.unreadable, [])
})

test('alive is whose sign of life will end, and is not over', () => {
  const lives = [5_000, 1, -1, -2, null, '5000'].map(value)

  const look = readLook([value([]), value([]), ...lives, REFUSAL], {
    regionIds: REGIONS,
    wallClockMs: NOW_MS,
  })

  assert.equal(look.alive, 2)
})

test('of the index 64 ids of gateways are taken, and nothing else', () => {
  const ids = Array.from({ length: 100 }, (_, at) => `gw${at}`)

  assert.deepEqual(readIndex(value(['gw:1', null, ...ids])), ids.slice(0, 64))
  assert.deepEqual(readIndex(value('gw1')), [])
  assert.deepEqual(readIndex(REFUSAL), [])
  assert.deepEqual(readIndex(undefined), [])
})

test('views are found by the gateway and the region that were asked for', () => {
  const asked = { gatewayIds: ['gw1', 'gw2'], regionIds: REGIONS }
  const [down, healthy] = [
    encodeView({ kind: 'down', forMs: 1 }),
    encodeView({ kind: 'healthy', forMs: 2 }),
  ]

  const [names] = viewsCommands(KEYS, asked)
  const replies = [value([down, null, healthy, down]), value(4_000), value(5_000)]
  const { gatewayIds, views } = readViews(replies, { ...asked, ttlMs: 5_000 })

  assert.deepEqual(names?.slice(1), [
    'm:region:eu:gw1',
    'm:region:us:gw1',
    'm:region:eu:gw2',
    'm:region:us:gw2',
  ])
  assert.deepEqual(gatewayIds, ['gw1', 'gw2'])
  assert.deepEqual(
    views.get('eu')?.map(({ gatewayId, kind, ageMs }) => [gatewayId, kind, ageMs]),
    [
      ['gw1', 'down', 1_000],
      ['gw2', 'healthy', 0],
    ],
  )
  assert.deepEqual(
    views.get('us')?.map(({ gatewayId, kind }) => [gatewayId, kind]),
    [['gw2', 'down']],
  )
})

test('drains are told in one command, and words written down in a list that ends', () => {
  const drains = new Map([
    ['eu', DRAIN],
    ['us', DRAIN],
  ])
  const text = encodeDrain(DRAIN)

  assert.deepEqual(tellCommand(KEYS, drains), ['hset', 'm:drains', 'eu', text, 'us', text])
  assert.deepEqual(writeDownCommands(KEYS, [WORD]), [
    ['lpush', 'm:audit:drains', encodeAudit(WORD)],
    ['ltrim', 'm:audit:drains', 0, 999],
  ])
})

test('of the record everything that is a word is read', () => {
  assert.deepEqual(readAudit(value(['poison', encodeAudit(WORD), null]), NOW_MS), [WORD])
  assert.deepEqual(readAudit(REFUSAL, NOW_MS), [])
})

test('every command that is sent is one that the list names', () => {
  const facts = { gatewayId: 'gw1', instance: 'one', ttlMs: 1, nowMs: 1, wallClockMs: 1 }
  const asked = { gatewayIds: ['gw1'], regionIds: REGIONS, others: ['gw2'] }
  const sent: RedisCommand[] = [
    ...publishCommands(KEYS, { ...facts, views: [{ regionId: 'eu', kind: 'down', sinceMs: 0 }] }),
    ...lookCommands(KEYS, asked),
    ...viewsCommands(KEYS, asked),
    ...writeDownCommands(KEYS, [WORD]),
    tellCommand(KEYS, new Map([['eu', DRAIN]])),
    indexCommand(KEYS),
    auditCommand(KEYS),
  ]

  assert.deepEqual([...new Set(sent.map(([name]) => name))].sort(), [...SHARED_VIEW_COMMANDS])
})

test('nothing is sent that could list, empty or program the store', () => {
  const forbidden = ['keys', 'scan', 'flushall', 'flushdb', 'config', 'debug', 'module', 'script']
  const programs = ['eval', 'evalsha', 'fcall', 'function', 'publish', 'subscribe', 'info', 'hello']

  const names: readonly string[] = SHARED_VIEW_COMMANDS
  assert.deepEqual(
    [...forbidden, ...programs].filter((name) => names.includes(name)),
    [],
  )
})
