import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseRfc3339 } from './rfc3339.ts'

test('a time is what JavaScript makes of it, at any date and offset', () => {
  const date = fc.date({
    min: new Date('0001-01-01'),
    max: new Date('9999-12-30'),
    noInvalidDate: true,
  })

  fc.assert(
    fc.property(date, fc.integer({ min: -14 * 60, max: 14 * 60 }), (at, offsetMinutes) => {
      const local = new Date(at.getTime() + offsetMinutes * 60_000).toISOString()
      fc.pre(/^\d{4}-/.test(local))
      const size = Math.abs(offsetMinutes)
      const pad = (number: number) => String(number).padStart(2, '0')
      const sign = offsetMinutes < 0 ? '-' : '+'
      const offset = `${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}`

      const seconds = parseRfc3339(local.replace('Z', offset))

      assert.ok(seconds !== undefined)
      assert.ok(Math.abs(seconds - at.getTime() / 1_000) < 1e-4)
      assert.equal(parseRfc3339(at.toISOString()), seconds)
    }),
  )
})

test('nanoseconds, as Go writes them, are read', () => {
  const seconds = parseRfc3339('2026-11-24T15:15:07.316801312Z')

  assert.equal(Math.floor(seconds ?? 0), 1795533307)
  assert.equal(parseRfc3339('0001-01-01T00:00:00Z'), -62_135_596_800)
})

test('anything else is unknown', () => {
  for (const text of [
    '',
    'yesterday',
    '2026-11-24',
    '2026-13-01T00:00:00Z',
    '2026-11-24T24:00:00Z',
    '2026-11-24T00:00:00',
  ]) {
    assert.equal(parseRfc3339(text), undefined, text)
  }
})
