// Goal: gateways know of each other what they need, and a Redis that is gone, slow, empty or full
// of nonsense costs none of them anything but that.
// Method: a real redis-server that is killed, frozen and poisoned under views with short times.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { Redis } from 'ioredis'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type RedisServer, startRedisServer } from '../../test/support/redis-server.ts'
import { parseRedisAddress } from './redis-address.ts'
import type { Drains } from './shared-drains.ts'
import {
  openSharedView,
  SHARED_VIEW_DEFAULTS,
  type SharedView,
  type SharedViewEvent,
  type SharedViewOptions,
} from './shared-view.ts'
import { SHARED_VIEW_COMMANDS } from './shared-view-commands.ts'

const REGIONS = ['us-east', 'eu-central', 'ap-southeast']
/** So quick that a test need not wait, so patient that a busy machine is no Redis that is away. */
const LIMITS = {
  pollEveryMs: 20,
  restMs: 20,
  restMsMax: 100,
  commandTimeoutMs: 3_000,
  connectTimeoutMs: 3_000,
  waitMsMax: 5_000,
}

/** For a Redis that will not answer, however long one waits. */
const IMPATIENT = { commandTimeoutMs: 100, waitMsMax: 150 }

interface Opened extends AsyncDisposable {
  readonly view: SharedView
  readonly events: readonly SharedViewEvent[]
}

async function open(
  url: string,
  gatewayId: string,
  options: Partial<SharedViewOptions> = {},
): Promise<Opened> {
  const address = parseRedisAddress(url)
  assert.ok(address)
  const events: SharedViewEvent[] = []
  const view = await openSharedView({
    address,
    gatewayId,
    regionIds: REGIONS,
    nowMs: () => performance.now(),
    wallClockMs: Date.now,
    onEvent: (event) => events.push(event),
    ...LIMITS,
    ...options,
  })
  return { view, events, [Symbol.asyncDispose]: () => view.close() }
}

/** Speaks to the server beside the views, as an operator or an enemy would. */
function openClient(server: RedisServer): Redis & AsyncDisposable {
  const client = new Redis(server.port, '127.0.0.1', { retryStrategy: null })
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      const ended = once(client, 'end')
      client.disconnect()
      await ended
    },
  })
}

type Kind = Parameters<SharedView['publishViews']>[0][number]['kind']

function all(kind: Kind) {
  return REGIONS.map((regionId) => ({ regionId, kind, sinceMs: performance.now() }))
}

function ids(drains: Drains): string[] {
  return [...drains.keys()]
}

test('two gateways count each other and see what each thinks of a region', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await using two = await open(server.url, 'two')

  await one.view.publishViews(all('healthy'))
  await two.view.publishViews([{ regionId: 'eu-central', kind: 'down', sinceMs: 0 }])

  const { gatewayIds, views } = await one.view.views()
  assert.deepEqual([...gatewayIds].sort(), ['one', 'two'])
  const seen = views.get('eu-central')?.map(({ gatewayId, kind }) => [gatewayId, kind].join(' '))
  assert.deepEqual(seen?.sort(), ['one healthy', 'two down'])
  assert.equal(views.get('us-east')?.length, 1)
  const down = views.get('eu-central')?.find(({ kind }) => kind === 'down')
  assert.ok(down && down.forMs > 0 && down.ageMs <= SHARED_VIEW_DEFAULTS.ttlMs)
  await eventually('both count two', () => {
    return one.view.liveGateways() === 2 && two.view.liveGateways() === 2
  })
  assert.deepEqual(one.events, [{ kind: 'up' }])
})

test('a gateway that starts knows the others at once, and takes over what most think', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await using two = await open(server.url, 'two')
  await using three = await open(server.url, 'three')
  await one.view.publishViews(all('healthy'))
  await two.view.publishViews(all('healthy'))
  await three.view.publishViews(all('down'))

  await using late = await open(server.url, 'late')

  assert.equal(late.view.liveGateways(), 4)
  const prior = await late.view.prior()
  assert.deepEqual([...prior.keys()].sort(), [...REGIONS].sort())
  assert.equal(prior.get('eu-central')?.kind, 'healthy')
  assert.equal(prior.get('eu-central')?.gateways, 2)
})

test('what a gateway thought before it restarted is no prior for itself', async () => {
  await using server = await startRedisServer()
  await using before = await open(server.url, 'one')
  await before.view.publishViews(all('down'))
  await before.view.close()

  await using after = await open(server.url, 'one')

  assert.equal((await after.view.views()).views.size, 3)
  assert.equal((await after.view.prior()).size, 0)
  await after.view.publishViews(all('healthy'))
  assert.equal(after.view.problem, undefined)
})

test('a gateway that gives no sign of life is forgotten with its views', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await using two = await open(server.url, 'two', { ttlMs: 300 })
  await eventually('one counts two', async () => {
    await two.view.publishViews(all('down'))
    return one.view.liveGateways() === 2
  })

  await eventually('one is alone again', () => one.view.liveGateways() === 1)

  assert.deepEqual(await one.view.views(), { gatewayIds: [], views: new Map() })
})

test('regions that are not of the file are neither published nor drained', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await using client = openClient(server)

  await one.view.publishViews([{ regionId: 'x:*', kind: 'down', sinceMs: 0 }])
  const outcome = await one.view.setDrain('mars-north', { isDrained: true, by: 'ops' })

  assert.equal(outcome, 'no-such-region')
  assert.deepEqual((await client.keys('*')).sort(), ['meridian:gateway:one', 'meridian:gateways'])
})

test('a drain and its end reach the other gateway without another word', async () => {
  assert.ok(2 * SHARED_VIEW_DEFAULTS.pollEveryMs <= 1_000, 'within a second, one look lost')
  const { pollEveryMs } = SHARED_VIEW_DEFAULTS
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one', { pollEveryMs })
  await using two = await open(server.url, 'two', { pollEveryMs })
  const heard: string[][] = []
  two.view.onDrainsChange((drains) => heard.push(ids(drains)))

  const word = { isDrained: true, by: 'Zoë\n' }
  assert.equal(await one.view.setDrain('eu-central', word), 'shared')
  assert.deepEqual(ids(one.view.drains()), ['eu-central'])
  await eventually('two hears of it', () => two.view.drains().has('eu-central'))
  assert.equal(two.view.drains().get('eu-central')?.by, 'Zoë?')
  assert.equal(await two.view.setDrain('eu-central', { isDrained: false, by: 'Bo' }), 'shared')
  await eventually('one hears of it', () => one.view.drains().size === 0)

  assert.deepEqual(heard, [['eu-central'], []])
})

test('who listens no longer is not called', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  const heard: string[][] = []
  const stop = one.view.onDrainsChange((drains) => heard.push(ids(drains)))
  await one.view.setDrain('us-east', { isDrained: true, by: 'ops' })
  await one.view.setDrain('us-east', { isDrained: true, by: 'ops again' })

  stop()
  await one.view.setDrain('us-east', { isDrained: false, by: 'ops' })

  assert.deepEqual(heard, [['us-east']])
})

test('a drain survives all gateways and is known when the next one has started', async () => {
  await using server = await startRedisServer()
  await using before = await open(server.url, 'one')
  await before.view.setDrain('us-east', { isDrained: true, by: 'ops' })
  await before.view.close()

  await using after = await open(server.url, 'two')

  assert.deepEqual(ids(after.view.drains()), ['us-east'])
  const [word] = await after.view.drainAudit()
  assert.deepEqual([word?.regionId, word?.isDrained, word?.by], ['us-east', true, 'ops'])
  assert.equal(word?.gatewayId, 'one')
})

test('an end of a drain that was said while Redis is away ends it later, and a newer drain not', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await one.view.setDrain('us-east', { isDrained: true, by: 'ops' })
  await one.view.setDrain('eu-central', { isDrained: true, by: 'ops' })
  await using client = openClient(server)
  const later = { drained: true, by: 'somebody later', atMs: Date.now() + 60_000 }
  await client.config('SET', 'maxmemory', '1')

  assert.equal(await one.view.setDrain('us-east', { isDrained: false, by: 'ops' }), 'held')
  assert.equal(await one.view.setDrain('eu-central', { isDrained: false, by: 'ops' }), 'held')
  assert.deepEqual(ids(one.view.drains()), [])
  assert.match(one.view.problem ?? '', /^OOM /)
  await client.config('SET', 'maxmemory', '0')
  await client.hset('meridian:drains', 'eu-central', JSON.stringify(later))

  await eventually('the last word on both is known', async () => {
    const stored = (await client.hget('meridian:drains', 'us-east')) ?? ''
    return stored.includes('false') && one.view.drains().get('eu-central')?.by === 'somebody later'
  })
  await eventually('sharing is up', () => one.view.isUp)
})

test('while Redis is dead a gateway goes on with what it knows', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await using two = await open(server.url, 'two')
  await two.view.publishViews(all('healthy'))
  await one.view.setDrain('us-east', { isDrained: true, by: 'ops' })
  await eventually('one counts two', () => one.view.liveGateways() === 2)

  await server.kill()
  await eventually('one has noticed', () => !one.view.isUp)
  await one.view.publishViews(all('down'))
  const outcome = await one.view.setDrain('eu-central', { isDrained: true, by: 'ops' })

  assert.equal(outcome, 'held')
  assert.deepEqual(ids(one.view.drains()), ['us-east', 'eu-central'])
  assert.equal(one.view.liveGateways(), 2)
  assert.deepEqual([(await one.view.views()).views.size, (await one.view.prior()).size], [0, 0])
  assert.deepEqual(await one.view.drainAudit(), [])
  assert.match(one.view.problem ?? '', /^redis:\/\/127\.0\.0\.1:\d+\/0: ./)
})

test('a Redis that comes back empty is told what was said before and meanwhile', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await one.view.setDrain('us-east', { isDrained: true, by: 'before' })
  await server.kill()
  await eventually('one has noticed', () => !one.view.isUp)
  await one.view.setDrain('eu-central', { isDrained: true, by: 'meanwhile' })

  await server.restart()

  await eventually('one has noticed', () => one.view.isUp)
  await using two = await open(server.url, 'two')
  await eventually('two knows both', () => two.view.drains().size === 2)
  assert.deepEqual(ids(one.view.drains()), ['us-east', 'eu-central'])
  await eventually('the word from meanwhile is on record', async () => {
    const words = await two.view.drainAudit()
    return words.map(({ by }) => by).join() === 'meanwhile'
  })
  const kinds = one.events.map(({ kind }) => kind)
  assert.deepEqual([kinds.at(0), kinds.at(-1)], ['up', 'up'])
  assert.ok(kinds.includes('away'))
})

test('a gateway starts without Redis, and shares when there is one', async () => {
  await using server = await startRedisServer()
  await server.kill()

  await using one = await open(server.url, 'one')

  assert.equal(one.view.isUp, false)
  assert.match(one.view.problem ?? '', /ECONNREFUSED/)
  assert.equal(one.view.liveGateways(), 1)
  assert.equal((await one.view.prior()).size, 0)
  await server.restart()
  await eventually('one has noticed', () => one.view.isUp)
  await one.view.publishViews(all('healthy'))
  assert.equal((await one.view.views()).views.size, 3)
})

test('a frozen Redis is asked three times, and then left alone by everybody', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one', {
    ...IMPATIENT,
    restMs: 60_000,
    restMsMax: 60_000,
  })
  await using client = openClient(server)
  await client.config('RESETSTAT')
  server.freeze()
  await eventually('one has noticed', () => !one.view.isUp)

  // Three hundred waits for an answer would take longer than a test may hang.
  const startedMs = performance.now()
  for (let at = 0; at < 300; at++) {
    await one.view.publishViews(all('healthy'))
    await one.view.prior()
    await one.view.setDrain('us-east', { isDrained: at % 2 === 0, by: 'ops' })
  }
  assert.ok(performance.now() - startedMs < 10_000)
  assert.match(one.view.problem ?? '', /timed out/)
  assert.equal(one.view.drains().size, 0)
  server.thaw()

  await client.ping() // It is answered when what lay in the buffers before it was carried out.
  const [, writings = '0'] = /cmdstat_set:calls=(\d+)/.exec(await client.info('commandstats')) ?? []
  assert.ok(Number(writings) <= 3 * (1 + REGIONS.length), `${writings} old writings`)
})

test('what finds out whether a Redis has thawed is a look, and never a writing', async () => {
  const clock = { nowMs: 0 }
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one', {
    nowMs: () => clock.nowMs,
    pollEveryMs: 3_600_000,
    commandTimeoutMs: 500,
  })
  await using client = openClient(server)
  server.freeze()
  for (let at = 0; at < 3; at++) await one.view.views()
  clock.nowMs += LIMITS.restMs

  await one.view.publishViews(all('healthy'))
  server.thaw()
  await client.ping()
  assert.equal(await client.exists('meridian:gateway:one'), 0)
  await one.view.views()
  await one.view.publishViews(all('healthy'))

  assert.equal(await client.exists('meridian:gateway:one'), 1)
})

test('a Redis that thaws is shared with again', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one', IMPATIENT)
  await using two = await open(server.url, 'two', IMPATIENT)
  server.freeze()
  await eventually('both have noticed', () => !one.view.isUp && !two.view.isUp)
  assert.equal(await one.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'held')

  server.thaw()

  await eventually('two hears of the drain', () => two.view.drains().has('us-east'))
  await eventually('both share', () => one.view.isUp && two.view.isUp)
})

test('a gateway that starts while Redis is frozen does not wait for it', async () => {
  await using server = await startRedisServer()
  server.freeze()

  await using one = await open(server.url, 'one', IMPATIENT)

  assert.equal(one.view.drains().size, 0)
  assert.equal((await one.view.prior()).size, 0)
  server.thaw()
  await eventually('one shares', () => one.view.isUp)
})

test('nobody waits longer than a caller may, however long Redis may take', async () => {
  const hangs = { commandTimeoutMs: 60_000, waitMsMax: 50 }
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one', { ...hangs, waitMsMax: LIMITS.waitMsMax })
  server.freeze()

  await using two = await open(server.url, 'two', hangs)

  assert.equal((await two.view.prior()).size, 0)
  assert.deepEqual(await two.view.drainAudit(), [])
  assert.equal(await two.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'held')
  server.thaw()
  await eventually('what was held is told', () => one.view.drains().has('us-east'))
})

test('nothing is left open, whatever state Redis is in', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((kind) => /^TCP/.test(kind)).length
  await using server = await startRedisServer()
  const before = sockets()
  for (const change of [() => {}, () => server.freeze(), () => server.kill()]) {
    await using one = await open(server.url, 'one', IMPATIENT)
    await using two = await open(server.url, 'two', IMPATIENT)
    await change()
    void one.view.prior()
    void two.view.publishViews(all('healthy'))
    await Promise.all([one.view.close(), two.view.close(), one.view.close()])
    server.thaw()

    assert.equal(await one.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'held')
    await eventually('no socket is open', () => sockets() === before)
  }
})

const KEY = 'meridian:region:eu-central:evil'
const TEXT = '{"state":"healthy","forMs":1}'
const POISON: readonly [what: string, command: readonly [string, ...(string | number)[]]][] = [
  ['a view of bytes', ['set', KEY, '\u0000\ufffd\u0001']],
  ['a view that is no JSON', ['set', KEY, '{"state":']],
  ['a view of a megabyte', ['set', KEY, `{"state":"healthy","x":"${'x'.repeat(1_048_576)}"}`]],
  ['a view in an unknown state', ['set', KEY, '{"state":"open","forMs":1}']],
  ['a view that is a list', ['lpush', KEY, TEXT]],
  ['a view that is a hash', ['hset', KEY, 'state', 'healthy']],
  ['a gateway with another key in its id', ['zadd', 'meridian:gateways', 9e15, 'evil:x']],
  ['a thousand gateways', ['zadd', 'meridian:gateways', ...thousandGateways()]],
  ['a drain of an unknown region', ['hset', 'meridian:drains', '__proto__', TEXT]],
  ['a record of drains that is no word', ['lpush', 'meridian:audit:drains', 'x'.repeat(9_999)]],
]

function thousandGateways(): (string | number)[] {
  return Array.from({ length: 1_000 }, (_, at) => [at, `evil${at}`]).flat()
}

for (const [what, [name, ...values]] of POISON) {
  test(`${what} is as if it had not been written`, async () => {
    await using server = await startRedisServer()
    await using client = openClient(server)
    await client.set('meridian:gateway:evil', 'x', 'PX', 60_000)
    await client.zadd('meridian:gateways', 9e15, 'evil')

    await client.call(name, ...values)
    await using one = await open(server.url, 'one')
    await one.view.publishViews(all('healthy'))

    const { views } = await one.view.views()
    const seen = views.get('eu-central')?.map(({ gatewayId }) => gatewayId)
    assert.deepEqual(seen, ['one'])
    assert.equal(await one.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'shared')
    assert.deepEqual(ids(one.view.drains()), ['us-east'])
    assert.equal((await one.view.drainAudit()).length, 1)
    assert.equal(one.view.liveGateways(), 2)
    assert.equal(one.view.problem, undefined)
  })
}

test('a sign of life that never ends is none', async () => {
  await using server = await startRedisServer()
  await using client = openClient(server)
  await client.zadd('meridian:gateways', Date.now(), 'ghost')
  await client.set('meridian:gateway:ghost', 'x')
  await client.set('meridian:region:us-east:ghost', '{"state":"down","forMs":1}')

  await using one = await open(server.url, 'one')

  assert.equal(one.view.liveGateways(), 1)
  assert.equal((await one.view.prior()).size, 0)
})

const BAD_DRAINS = [
  'yes',
  '{"drained":true}',
  '{"drained":true,"by":"x","atMs":9e99}',
  `{"drained":true,"by":"x","atMs":1,"more":"${'x'.repeat(1_048_576)}"}`,
]

for (const text of BAD_DRAINS) {
  test(`${text.slice(0, 50)} drains nothing, is complained of, and is overruled`, async () => {
    await using server = await startRedisServer()
    await using client = openClient(server)
    await client.hset('meridian:drains', 'us-east', text)

    await using one = await open(server.url, 'one')

    assert.equal(one.view.drains().size, 0)
    assert.equal(one.view.problem, 'the drain of us-east cannot be read')
    assert.equal(await one.view.setDrain('us-east', { isDrained: false, by: 'ops' }), 'shared')
    await eventually('nothing is to complain of', () => one.view.isUp)
  })
}

const WRONG_TYPES = ['meridian:drains', 'meridian:gateways', 'meridian:audit:drains']

for (const key of WRONG_TYPES) {
  test(`a ${key} of the wrong type is complained of, and the rest is shared`, async () => {
    await using server = await startRedisServer()
    await using one = await open(server.url, 'one')
    await one.view.setDrain('eu-central', { isDrained: true, by: 'ops' })
    await using client = openClient(server)

    await client.set(key, 'x')
    const outcome = await one.view.setDrain('us-east', { isDrained: true, by: 'ops' })
    await one.view.publishViews(all('healthy'))

    assert.match(one.view.problem ?? '', /^WRONGTYPE/)
    assert.equal(outcome, key === 'meridian:drains' ? 'held' : 'shared')
    assert.deepEqual(ids(one.view.drains()), ['eu-central', 'us-east'])
    assert.equal(await client.exists('meridian:region:us-east:one'), 1)
    await client.del(key)
    await eventually('what was held is told', () => client.hexists('meridian:drains', 'us-east'))
    await one.view.publishViews(all('healthy'))
    await eventually('nothing is to complain of', () => one.view.isUp)
  })
}

test('the record of words ends at a thousand, the newest first', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'one')
  await using client = openClient(server)
  await client.lpush('meridian:audit:drains', ...Array.from({ length: 2_000 }, () => 'old'))

  await one.view.setDrain('us-east', { isDrained: true, by: 'first' })
  await one.view.setDrain('us-east', { isDrained: false, by: 'second' })

  assert.equal(await client.llen('meridian:audit:drains'), 1_000)
  const words = await one.view.drainAudit()
  assert.deepEqual(
    words.map(({ by }) => by),
    ['second', 'first'],
  )
})

test('two gateways with one id are complained of', async () => {
  await using server = await startRedisServer()
  await using one = await open(server.url, 'same')
  await using two = await open(server.url, 'same')

  for (const { view } of [one, two, one, two]) await view.publishViews(all('healthy'))

  assert.equal(one.view.problem, 'another gateway has the id same, too')
  assert.equal(two.view.problem, 'another gateway has the id same, too')
})

test('a user who may use the listed commands below the prefix can do everything', async () => {
  const allowed = SHARED_VIEW_COMMANDS.map((name) => `+${name}`)
  await using server = await startRedisServer({
    settings: [
      ...['--user', 'gateway', 'on', '>s3cret', '~meridian:*', '-@all', ...allowed],
      ...['--user', 'default', 'off'],
    ],
  })
  const url = server.url.replace('//', '//gateway:s3cret@')
  await using one = await open(url, 'one')
  await using two = await open(url, 'two')

  await two.view.publishViews(all('healthy'))
  assert.equal(await one.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'shared')
  await eventually('two hears of it', () => two.view.drains().has('us-east'))

  assert.equal((await one.view.prior()).size, 3)
  assert.equal((await one.view.drainAudit()).length, 1)
  assert.deepEqual([one.view.problem, two.view.problem], [undefined, undefined])
  await using outside = await open(url, 'three', { keyPrefix: 'other:' })
  await outside.view.publishViews(all('healthy'))
  assert.match(outside.view.problem ?? '', /^NOPERM/)
})

test('a wrong password is named, and the right one never', async () => {
  await using server = await startRedisServer({ settings: ['--requirepass', 's3cret'] })

  await using wrong = await open(server.url.replace('//', '//:gu3ss@'), 'one')
  await using none = await open(server.url, 'two')

  assert.match(wrong.view.problem ?? '', /WRONGPASS/)
  assert.match(none.view.problem ?? '', /NOAUTH/)
  assert.doesNotMatch(JSON.stringify([wrong.events, none.events]), /s3cret|gu3ss/)
})

test('a database is the one of the address, and never another instead', async () => {
  await using server = await startRedisServer()
  await using client = openClient(server)
  await using one = await open(`${server.url}/1`, 'one')
  await one.view.publishViews(all('healthy'))

  await using wrong = await open(`${server.url}/999`, 'two')
  await wrong.view.publishViews(all('healthy'))

  assert.match(wrong.view.problem ?? '', /DB index is out of range/)
  assert.equal(one.view.problem, undefined)
  assert.equal(await client.dbsize(), 0)
})

test('a rediss address is spoken to by TLS, and only if its authority is known', async () => {
  await using certificates = await makeCertificates({ regions: ['eu-central'] })
  await using server = await startRedisServer()
  const { cert, key } = certificates.publicLocalhost
  const inFront = createServer({ cert, key }, (socket) => {
    const behind = connect(server.port, '127.0.0.1')
    socket.on('error', () => behind.destroy()).on('close', () => behind.destroy())
    behind.on('error', () => socket.destroy())
    socket.pipe(behind).pipe(socket)
  })
  await once(inFront.listen(0, '127.0.0.1'), 'listening')
  const { port } = inFront.address() as AddressInfo
  const url = `rediss://localhost:${port}`

  await using known = await open(url, 'one', { ca: certificates.ca.cert })
  await using unknown = await open(url, 'two')
  await eventually('the known one shares', () => known.view.isUp)
  await eventually('the unknown one has tried', () => {
    return unknown.view.problem?.includes('certificate')
  })

  assert.equal(await known.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'shared')
  assert.equal(await unknown.view.setDrain('us-east', { isDrained: true, by: 'ops' }), 'held')
  await Promise.all([known.view.close(), unknown.view.close()])
  await new Promise((resolve) => inFront.close(resolve))
})

test('ids that could lead to another key open nothing', async () => {
  await assert.rejects(open('redis://127.0.0.1:1', 'gw:1'), { code: 'ERR_ASSERTION' })
  await assert.rejects(open('redis://127.0.0.1:1', 'gw1', { regionIds: ['eu:*'] }), {
    code: 'ERR_ASSERTION',
  })
  await assert.rejects(open('redis://127.0.0.1:1', 'gw1', { regionIds: [] }), {
    code: 'ERR_ASSERTION',
  })
})
