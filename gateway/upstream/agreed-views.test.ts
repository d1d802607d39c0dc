import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreedViews, type GatewayView, gatherViews, type SharedViews } from './agreed-views.ts'
import type { HealthState } from './health-states.ts'
import { encodeView } from './shared-view-records.ts'

type Kind = HealthState['kind']

/** One region as the gateways see it; `undefined` = one that lives and says nothing of it. */
function seen(byGateway: Readonly<Record<string, Kind | undefined>>): SharedViews {
  const views = Object.entries(byGateway).flatMap(([gatewayId, kind]): GatewayView[] => {
    return kind === undefined ? [] : [{ gatewayId, kind, forMs: 10, ageMs: 100 }]
  })
  return {
    gatewayIds: Object.keys(byGateway),
    views: views.length === 0 ? new Map() : new Map([['eu', views]]),
  }
}

const AGREED: readonly [Readonly<Record<string, Kind | undefined>>, Kind | undefined, number][] = [
  [{}, undefined, 0],
  [{ a: 'down' }, 'down', 1],
  [{ a: 'down', b: 'healthy' }, undefined, 0],
  [{ a: 'down', b: 'healthy', c: 'down' }, 'down', 2],
  [{ a: 'down', b: 'ejected', c: 'healthy' }, undefined, 0],
  [{ a: 'healthy', b: 'healthy', c: 'down' }, 'healthy', 2],
  [{ a: 'down', b: undefined, c: undefined }, undefined, 0],
  [{ a: 'down', b: 'down', c: undefined }, 'down', 2],
  [{ a: undefined }, undefined, 0],
]

for (const [byGateway, kind, gateways] of AGREED) {
  test(`gateways that see ${JSON.stringify(byGateway)} agree on ${kind}`, () => {
    const agreed = agreedViews(seen(byGateway)).get('eu')

    assert.equal(agreed?.kind, kind)
    assert.equal(agreed?.gateways ?? 0, gateways)
  })
}

test('a gateway that is left out neither speaks nor is counted', () => {
  const views = seen({ me: 'healthy', a: 'down' })

  assert.equal(agreedViews(views).size, 0)
  assert.equal(agreedViews(views, 'me').get('eu')?.kind, 'down')
  assert.equal(agreedViews(views, 'a').get('eu')?.kind, 'healthy')
})

test('what gateways agree on is as old as the oldest of their views', () => {
  const views = (['a', 'b', 'c'] as const).map((gatewayId, at): GatewayView => {
    return { gatewayId, kind: at === 2 ? 'down' : 'healthy', forMs: 0, ageMs: 1_000 * (at + 1) }
  })

  const agreed = agreedViews({ gatewayIds: ['a', 'b', 'c'], views: new Map([['eu', views]]) })

  assert.deepEqual(agreed.get('eu'), { kind: 'healthy', gateways: 2, ageMs: 2_000 })
})

test('what a gateway without a sign of life wrote does not count', () => {
  const down = encodeView({ kind: 'down', forMs: 7 })
  const healthy = encodeView({ kind: 'healthy', forMs: 7 })

  const gathered = gatherViews({
    gatewayIds: ['dead', 'live'],
    regionIds: ['eu', 'us'],
    values: [down, down, healthy, null],
    leftMs: [undefined, 4_000],
    ttlMs: 5_000,
  })

  assert.deepEqual(gathered, {
    gatewayIds: ['live'],
    views: new Map([['eu', [{ gatewayId: 'live', kind: 'healthy', forMs: 7, ageMs: 1_000 }]]]),
  })
})

test('a sign of life that lives longer than ours would is no view from the future', () => {
  const { views } = gatherViews({
    gatewayIds: ['a', 'b'],
    regionIds: ['eu'],
    values: [encodeView({ kind: 'down', forMs: 7 }), encodeView({ kind: 'down', forMs: 7 })],
    leftMs: [9_000, 5_000],
    ttlMs: 5_000,
  })

  assert.deepEqual(
    views.get('eu')?.map(({ ageMs }) => ageMs),
    [0, 0],
  )
})
