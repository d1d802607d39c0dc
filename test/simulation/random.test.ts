import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from './random.ts'

const DRAWS = 100_000

function meanOf(draw: () => number): number {
  let sum = 0
  for (let at = 0; at < DRAWS; at += 1) sum += draw()
  return sum / DRAWS
}

test('one seed gives the same numbers, and another seed or stream gives others', () => {
  const ofSeed = (seed: number, stream = 0): number[] => {
    const random = new Random(seed, stream)
    return Array.from({ length: 5 }, () => random.next())
  }

  assert.deepEqual(ofSeed(1), ofSeed(1))
  assert.notDeepEqual(ofSeed(1), ofSeed(2))
  assert.notDeepEqual(ofSeed(1, 0), ofSeed(1, 1))
})

test('numbers lie in [0, 1) and are spread evenly over it', () => {
  const random = new Random(3)
  const counts = Array.from({ length: 10 }, () => 0)

  for (let at = 0; at < DRAWS; at += 1) {
    const value = random.next()
    assert.ok(value >= 0 && value < 1)
    const tenth = Math.floor(value * 10)
    counts[tenth] = (counts[tenth] ?? 0) + 1
  }

  for (const count of counts) assert.ok(Math.abs(count - DRAWS / 10) < 500, `${count}`)
})

test('first numbers of neighbouring seeds are spread as evenly as those of one seed', () => {
  let seed = 0

  const mean = meanOf(() => {
    seed += 1
    return new Random(seed).next()
  })

  assert.ok(Math.abs(mean - 0.5) < 0.01, `${mean}`)
})

test('distributions have the means that they are asked for', () => {
  const random = new Random(4)

  assert.ok(Math.abs(meanOf(() => random.exponential(5)) - 5) < 0.1)
  assert.ok(Math.abs(meanOf(() => random.normal())) < 0.02)
  assert.ok(Math.abs(meanOf(() => random.normal() ** 2) - 1) < 0.02)
  assert.ok(Math.abs(meanOf(() => random.logNormal(2, 0.8)) - 2) < 0.05)
  assert.ok(Math.abs(meanOf(() => random.between(2, 4)) - 3) < 0.02)
  assert.ok(Math.abs(meanOf(() => (random.chance(0.3) ? 1 : 0)) - 0.3) < 0.01)
})

test('nothing can be picked from an empty list', () => {
  assert.throws(() => new Random(1).pick([]), RangeError)
  assert.equal(new Random(1).pick(['only']), 'only')
})
