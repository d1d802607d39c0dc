import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Candidate, decideProgram, isNewEnough, parseVersion } from './find-program.ts'

const FLOORS = [
  [2, 12, 6],
  [2, 11, 15],
] as const

const at = (source: Candidate['source'], found: Candidate['found']): Candidate => {
  return { source, path: `/${source}/nats-server`, found }
}
const version = (major: number, minor: number, patch: number): Candidate['found'] => {
  return { kind: 'version', version: [major, minor, patch] }
}

test('a version is new enough by the floor of its own line, or above all floors', () => {
  const cases = [
    [[2, 11, 14], false],
    [[2, 11, 15], true],
    [[2, 12, 5], false],
    [[2, 12, 6], true],
    [[2, 13, 0], true],
    [[2, 10, 99], false],
    [[3, 0, 0], true],
    [[1, 12, 9], false],
  ] as const

  for (const [tried, expected] of cases) {
    assert.equal(isNewEnough(tried, FLOORS), expected, tried.join('.'))
  }
  assert.equal(isNewEnough([0, 0, 1], []), true)
})

test('the version is the first of its form in what a program says', () => {
  assert.deepEqual(parseVersion('nats-server: v2.15.1'), [2, 15, 1])
  assert.deepEqual(parseVersion('Redis server v=7.0.15 sha=00000000:0 bits=64'), [7, 0, 15])
  assert.deepEqual(parseVersion('Warning: client version is 0.13.5'), [0, 13, 5])
  assert.equal(parseVersion('version 2'), undefined)
})

test('the first place with a version that is new enough is taken', () => {
  const candidates = [
    at('path', { kind: 'absent' }),
    at('path', version(2, 9, 0)),
    at('runtime', version(2, 15, 1)),
  ]

  assert.deepEqual(decideProgram(candidates, FLOORS), {
    kind: 'use',
    path: '/runtime/nats-server',
    version: [2, 15, 1],
  })
})

test('when nothing will do, what was found is told, and what was not there is not', () => {
  const candidates = [
    at('path', version(2, 9, 0)),
    at('path', { kind: 'mute', why: 'exit code 127' }),
    at('runtime', { kind: 'absent' }),
  ]

  assert.deepEqual(decideProgram(candidates, FLOORS), {
    kind: 'fetch',
    passedOver: [
      '/path/nats-server is 2.9.0, wanted is at least 2.12.6 or 2.11.15',
      '/path/nats-server does not tell its version: exit code 127',
    ],
  })
})

test('a place that a person named is refused when it will not do, never passed over', () => {
  const unusable = [version(2, 9, 0), { kind: 'absent' }, { kind: 'mute', why: '?' }] as const

  for (const found of unusable) {
    const verdict = decideProgram([at('explicit', found), at('path', version(2, 15, 1))], FLOORS)
    assert.equal(verdict.kind, 'refuse')
  }
})

test('nowhere to look means to fetch', () => {
  assert.deepEqual(decideProgram([], FLOORS), { kind: 'fetch', passedOver: [] })
})
