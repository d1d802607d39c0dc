// Goal: a Redis that does not answer is left alone, and nothing waits for it twice.
// Method: connections that answer when they are told to; what real ones do is the business of
// `shared-view.test.ts`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RedisConnection, RedisLine } from './redis-line.ts'
import type { RedisReply } from './redis-replies.ts'

const LIMITS = { unansweredMax: 3, restMs: 1_000, restMsMax: 30_000 }
const DONE: readonly RedisReply[] = [{ kind: 'value', value: 'done' }]

/** A line whose clock, connections and answers the test decides on. */
function makeLine() {
  const world = {
    nowMs: 0,
    /** Why connections cannot be made; `undefined` = they can. */
    refusal: undefined as Error | undefined,
    answer: async (): Promise<readonly RedisReply[]> => DONE,
    connects: 0,
    exchanges: 0,
    open: new Set<RedisConnection>(),
  }
  const connect = async (): Promise<RedisConnection> => {
    world.connects += 1
    if (world.refusal !== undefined) throw world.refusal
    const connection: RedisConnection = {
      get isOpen() {
        return world.open.has(connection)
      },
      exchange: () => {
        world.exchanges += 1
        return world.answer()
      },
      close: async () => void world.open.delete(connection),
    }
    world.open.add(connection)
    return connection
  }
  return { world, line: new RedisLine({ connect, limits: LIMITS, nowMs: () => world.nowMs }) }
}

async function silence(): Promise<never> {
  throw new Error('Command timed out')
}

test('everybody who asks at first waits for one connection, and the next use it too', async () => {
  const { world, line } = makeLine()

  const replies = await Promise.all([line.ask([['get', 'a']]), line.ask([['get', 'b']])])
  await line.ask([['get', 'c']])

  assert.deepEqual(replies, [DONE, DONE])
  assert.deepEqual([world.connects, world.exchanges], [1, 3])
  assert.equal(line.silence, undefined)
})

test('after a loss the next question makes a connection anew', async () => {
  const { world, line } = makeLine()
  await line.ask([['get', 'a']])
  world.open.clear()

  assert.equal(await line.ask([['get', 'a']]), DONE)

  assert.equal(world.connects, 2)
})

test('a silence says why, in words of its own or by its code', async () => {
  const { world, line } = makeLine()
  world.refusal = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })

  assert.equal(await line.ask([['get', 'a']]), undefined)
  assert.equal(line.silence, 'ECONNREFUSED')
  world.refusal = new Error('x'.repeat(1_000))
  await line.ask([['get', 'a']])
  assert.equal(line.silence, 'x'.repeat(200))
})

test('three silences end the connection, and nothing is asked until the rest is over', async () => {
  const { world, line } = makeLine()
  world.answer = silence
  for (let at = 0; at < 3; at++) await line.ask([['get', 'a']])
  world.answer = async () => DONE

  world.nowMs = 999
  assert.equal(await line.ask([['get', 'a']]), undefined)

  assert.equal(world.open.size, 0)
  assert.equal(line.isTrusted, false)
  assert.deepEqual([world.connects, world.exchanges], [1, 3])
  assert.equal(line.silence, 'Command timed out')
  world.nowMs = 1_000
  assert.equal(await line.ask([['get', 'a']]), DONE)
  assert.equal(line.isTrusted, true)
  assert.deepEqual([world.connects, world.exchanges], [2, 4])
})

test('after a rest one question tries, and the others are not asked meanwhile', async () => {
  const { world, line } = makeLine()
  world.answer = silence
  for (let at = 0; at < 3; at++) await line.ask([['get', 'a']])
  const late = Promise.withResolvers<readonly RedisReply[]>()
  world.answer = () => late.promise
  world.nowMs = 1_000

  const trying = line.ask([['get', 'a']])
  assert.equal(await line.ask([['get', 'b']]), undefined)

  assert.equal(line.isTrusted, false)
  late.resolve(DONE)
  assert.equal(await trying, DONE)
  assert.equal(world.exchanges, 4)
})

test('what ends with the connection that is given up is no news', async () => {
  const { world, line } = makeLine()
  const late = Promise.withResolvers<readonly RedisReply[]>()
  const asked = Promise.withResolvers<void>()
  world.answer = () => {
    asked.resolve()
    return late.promise
  }
  const cutOff = line.ask([['get', 'a']])
  await asked.promise
  world.answer = silence
  for (let at = 0; at < 3; at++) await line.ask([['get', 'b']])

  late.reject(new Error('Connection is closed.'))

  assert.equal(await cutOff, undefined)
  assert.equal(line.silence, 'Command timed out')
})

test('a line that is closed asks nothing, and may be closed again', async () => {
  const { world, line } = makeLine()
  await line.ask([['get', 'a']])

  await line.close()
  await line.close()

  assert.equal(await line.ask([['get', 'a']]), undefined)
  assert.deepEqual([world.open.size, world.connects, world.exchanges], [0, 1, 1])
})

test('a line that is closed while it connects closes that connection too', async () => {
  const { world, line } = makeLine()
  const asked = line.ask([['get', 'a']])

  await line.close()
  await asked

  assert.deepEqual([world.connects, world.open.size], [1, 0])
})
