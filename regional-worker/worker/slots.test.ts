import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slots } from './slots.ts'

test('no more slots are given than there are', () => {
  const slots = new Slots(2)

  assert.ok(slots.take())
  assert.ok(slots.take())
  assert.equal(slots.take(), undefined)
  assert.equal(slots.busy, 2)
})

test('a slot that is free again can be taken', () => {
  const slots = new Slots(1)
  slots.take()?.free()

  assert.equal(slots.free, 1)
  assert.ok(slots.take())
})

test('a cooling slot takes no work until it is free', () => {
  const slots = new Slots(1)
  const slot = slots.take()
  slot?.cool()

  assert.deepEqual([slots.running, slots.cooling, slots.busy, slots.free], [0, 1, 1, 0])
  assert.equal(slots.take(), undefined)
  slot?.free()
  assert.deepEqual([slots.running, slots.cooling, slots.busy, slots.free], [0, 0, 0, 1])
})

test('a slot is given back once, whatever is called again later', () => {
  const slots = new Slots(2)
  const slot = slots.take()
  slots.take()
  slot?.free()
  slot?.free()
  slot?.cool()

  assert.deepEqual([slots.running, slots.cooling, slots.free], [1, 0, 1])
})
