// Goal: the comparison at full size compares what it says.
// Method: the same code with a tenth of the regions and of the load.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clairvoyant, lowerBound } from './clairvoyant.ts'
import { drawDemand } from './demand.ts'
import { scaleTables } from './report.ts'
import { drawMap, placeAt } from './scale-map.ts'
import { FULL_SIZE, playVariant, type ScaleSize, VARIANTS } from './scale-variants.ts'

const SMALL: ScaleSize = { ...FULL_SIZE, regions: 20, gateways: 4, requestsPerSecond: 2_600 }
const [bound, seer, nearest, leastLoaded, decided] = VARIANTS.slice(0, 5).map((variant) =>
  playVariant('liveGateways' in variant ? { ...variant, liveGateways: 4 } : variant, SMALL),
)

test('nobody is better than the bound, and only who knows the future is better than the decision', () => {
  assert.ok(bound && seer && decided && nearest && leastLoaded)
  assert.ok(bound.startMean <= seer.startMean)
  assert.ok(seer.startMean <= decided.startMean)
  assert.ok(decided.startMean < leastLoaded.startMean)
  assert.ok(decided.startMean < nearest.startMean)
})

test('the decision serves locally what there is room for, and hardly anybody waits', () => {
  assert.ok(decided && nearest)
  assert.ok(decided.localShare > 0.5, `${decided.localShare}`)
  assert.equal(decided.waitP50, 0)
  assert.ok(decided.waitP99 < 100, `${decided.waitP99}`)
  assert.ok(nearest.waitP99 > 1_000, `${nearest.waitP99}`)
  assert.equal(decided.refusedShare, 0)
})

test('the loss of the largest region costs those who meet it a detour, and no error', () => {
  assert.ok(decided?.loss)
  const { resent, failed, broken, addedP99 } = decided.loss
  assert.ok(resent > 0 && broken > 0)
  assert.equal(failed, 0)
  assert.ok(addedP99 < 600, `${addedP99}`)
})

test('the clairvoyant waits for a near slot rather than travel far, and never longer than that', () => {
  const map = drawMap(3, 20)
  const demand = drawDemand(map, { ...SMALL, seed: 3 })
  const [least, seen] = [lowerBound(map, demand), clairvoyant(map, demand)]

  assert.ok(seen.waitMs.some((waitMs) => waitMs > 0))
  for (const [request, travelMs] of seen.travelMs.entries()) {
    assert.ok(travelMs >= (least.travelMs[request] ?? 0))
  }
})

test('places are picked as often as they ask', () => {
  const map = drawMap(1, 20)

  assert.equal(placeAt(map, 0), 0)
  assert.equal(placeAt(map, 0.999_999_999), map.places.length - 1)
  for (let place = 1; place < map.places.length; place += 1) {
    assert.equal(placeAt(map, map.demandUpTo[place - 1] ?? 1), place)
  }
})

test('the report names every strategy and measures it by the bound', () => {
  assert.ok(bound && decided)
  const text = scaleTables([bound, decided])

  assert.match(text, /\| lower bound \| [\d.]+ \| 1\.0 \|/)
  assert.ok(text.includes((decided.startMean / bound.startMean).toFixed(1)))
  assert.match(text, /█+ [\d.]+ ms/)
})
