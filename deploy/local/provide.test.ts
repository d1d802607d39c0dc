// The command as a person runs it. nats-server is there already whenever tests run, so it must be
// quick; what is missing is played by a PATH without clients.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const COMMAND = join(import.meta.dirname, 'provide.ts')

function provide(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  })
  return { status, stdout, stderr }
}

test('what is there is told with its version and its path', () => {
  const { status, stdout, stderr } = provide(['nats-server'])

  assert.equal(status, 0, stderr)
  assert.match(stdout, /^nats-server \d+\.\d+\.\d+ {2}\/.*nats-server\n$/)
})

test('an unknown program is refused before anything is fetched, with those that are known', () => {
  const { status, stdout, stderr } = provide(['nats-server', 'constructor'])

  assert.equal(status, 64)
  assert.equal(stdout, '')
  assert.match(stderr, /cannot provide "constructor"; known are: nats-server redis-server ollama/)
})

test('a named program that cannot be used ends with 69 and the way out', () => {
  const { status, stderr } = provide(['nats-server'], { MERIDIAN_NATS_SERVER: '/nowhere/nats' })

  assert.equal(status, 69)
  assert.match(stderr, /^MERIDIAN_NATS_SERVER: \/nowhere\/nats does not exist\n {2}try: unset/)
})

test('Redis is asked for by nobody in particular, so its absence is a note', () => {
  const { status, stdout } = provide([], { MERIDIAN_REDIS_SERVER: '/nowhere/redis' })

  assert.equal(status, 0)
  assert.match(stdout, /^note: MERIDIAN_REDIS_SERVER: \/nowhere\/redis does not exist/m)
})

test('Redis that was asked for by name is missed', () => {
  const { status } = provide(['redis-server'], { MERIDIAN_REDIS_SERVER: '/nowhere/redis' })

  assert.equal(status, 69)
})
