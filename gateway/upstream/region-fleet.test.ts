// Goal: a gateway notices in time that a region is lost, sends nothing there, and goes back with
// care. Method: real ingresses over mutual TLS, asked at the intervals that hold by default. One is
// closed, so that the kernel refuses; one is behind a relay that freezes, so that nothing answers.

import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { WorkHead } from '#wire/region-api.ts'
import { startFreezable } from '../../test/support/black-holes.ts'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type ScriptedIngress, startScriptedIngress } from '../../test/support/scripted-ingress.ts'
import { UNLIMITED } from '../../test/support/seen-attempt.ts'
import type { Region } from '../regions/region.ts'
import type { AttemptEvents } from './attempt.ts'
import { HEALTH_DEFAULTS, type HealthLimits } from './health-states.ts'
import { PROBE_DEFAULTS } from './probe-plan.ts'
import { type RegionFleet, startFleet } from './region-fleet.ts'

const IDS = ['eu-central', 'us-east', 'ap-southeast'] as const
type Id = (typeof IDS)[number]
const certificates = await makeCertificates({ regions: IDS.toSorted() as [Id, ...Id[]] })
after(() => certificates[Symbol.asyncDispose]())

function startIngress(region: Id, port = 0): Promise<ScriptedIngress> {
  const { cert, key } = certificates.ingress[region]
  return startScriptedIngress({ region, tls: { ca: certificates.ca.cert, cert, key }, port })
}

function regionOf(id: Id, ...ingress: readonly string[]): Region {
  return {
    id,
    name: id,
    lat: 0,
    lon: 0,
    residencyTags: [],
    ingress,
    bias: 0,
    capacityScaler: 1,
    admin: 'active',
    models: new Map(),
    maxSlots: 64,
  }
}

interface Watched extends AsyncDisposable {
  readonly fleet: RegionFleet
  /** When a region came to a state, in ms of the monotonic clock. */
  reached(id: Id, kind: string): Promise<number>
}

async function watch(
  regions: readonly Region[],
  limits: Partial<HealthLimits> = {},
): Promise<Watched> {
  const { cert, key } = certificates.gateway
  const changes: { readonly id: string; readonly kind: string; readonly atMs: number }[] = []
  const fleet = startFleet({
    regions,
    tls: { ca: certificates.ca.cert, cert, key },
    trustDomain: certificates.trustDomain,
    connectionsMax: 16,
    phaseLimits: UNLIMITED,
    healthLimits: { ...HEALTH_DEFAULTS, ...limits },
    probeLimits: PROBE_DEFAULTS,
    nowMs: () => performance.now(),
    random: Math.random,
    onHealthChange: ({ region, health }) => {
      changes.push({ id: region.id, kind: health.kind, atMs: performance.now() })
    },
  })
  await fleet.firstRound
  return {
    fleet,
    reached: (id, kind) =>
      eventually(`${id} is ${kind}`, () => {
        return changes.find((change) => change.id === id && change.kind === kind)?.atMs
      }),
    [Symbol.asyncDispose]: () => fleet.close(),
  }
}

const HEAD: WorkHead = {
  requestId: 'req_test_0123456789abcdef01234567',
  attempt: 1,
  kind: 'chat',
  model: 'smollm2:135m',
  deadlineMs: 60_000,
  queueDeadlineMs: 30_000,
  priority: 'standard',
  hop: 0,
}

const NOBODY: AttemptEvents = {
  onAccepted: () => undefined,
  onStarted: () => undefined,
  onFrame: () => true,
}

function attempt(fleet: RegionFleet, id: Id) {
  return fleet.startAttempt(id, HEAD, '{"model":"smollm2:135m"}', NOBODY)
}

function report(t: TestContext, what: string, ms: number): void {
  t.diagnostic(`${what}: ${Math.round(ms)} ms`)
}

test('regions that refuse or freeze are noticed by probes alone, and held down', async (t) => {
  const [refusing, frozen] = [await startIngress('eu-central'), await startIngress('us-east')]
  await using relay = await startFreezable(frozen.port)
  await using good = await startIngress('ap-southeast')
  const limits = { holdDownMs: 4_000, trialTimeMs: 500 }
  await using watched = await watch(
    [
      regionOf('eu-central', refusing.origin),
      regionOf('us-east', relay.origin),
      regionOf('ap-southeast', good.origin),
    ],
    limits,
  )
  const { fleet, reached } = watched

  const lostMs = performance.now()
  relay.freeze()
  await refusing.close()
  const refusedMs = await reached('eu-central', 'down')
  const frozenMs = await reached('us-east', 'down')
  const whenLost = fleet.inRotation()
  await using again = await startIngress('eu-central', refusing.port)
  relay.thaw()
  const probing = await Promise.all([
    reached('eu-central', 'probing'),
    reached('us-east', 'probing'),
  ])
  await eventually('both are healthy', () => fleet.inRotation().every(({ isIn }) => isIn))

  report(t, 'out of rotation, refused', refusedMs - lostMs)
  report(t, 'out of rotation, frozen', frozenMs - lostMs)
  report(t, 'tried again after', probing[0] - refusedMs)
  assert.deepEqual(
    whenLost.map(({ id, isIn }) => [id, isIn]),
    [
      ['eu-central', false],
      ['us-east', false],
      ['ap-southeast', true],
    ],
  )
  assert.ok(probing[0] - refusedMs >= limits.holdDownMs)
  assert.ok(probing[1] - frozenMs >= limits.holdDownMs)
  assert.ok(again.probes > 0)
  await frozen.close()
})

test('requests eject a region that refuses them long before its probes can', async (t) => {
  const refusing = await startIngress('eu-central')
  await using good = await startIngress('us-east')
  const regions = [regionOf('eu-central', refusing.origin), regionOf('us-east', good.origin)]
  await using watched = await watch(regions)
  const { fleet, reached } = watched
  await refusing.close()

  const lostMs = performance.now()
  for (let time = 0; time < 5; time++) await attempt(fleet, 'eu-central').outcome
  const ejectedMs = await reached('eu-central', 'ejected')

  report(t, 'out of rotation by requests', ejectedMs - lostMs)
  assert.deepEqual(
    fleet.facts().map(({ state }) => state),
    ['ejected', 'healthy'],
  )
})

test('where nobody else is left a good start brings a region back for its trial', async () => {
  const gone = await startIngress('eu-central')
  await using watched = await watch([regionOf('eu-central', gone.origin)])
  const { fleet, reached } = watched
  await gone.close()
  await reached('eu-central', 'down')
  await using back = await startIngress('eu-central', gone.port)

  const panic = attempt(fleet, 'eu-central')
  ;(await back.call(1)).start()
  await reached('eu-central', 'probing')
  const trials = [2, 3, 4].map(async (number) => {
    const trial = attempt(fleet, 'eu-central')
    ;(await back.call(number)).start().frame('done').end()
    return trial.outcome
  })
  const outcomes = await Promise.all(trials)

  assert.deepEqual(outcomes, Array(3).fill({ kind: 'answered' }))
  assert.equal(fleet.viewOf('eu-central')?.health.kind, 'healthy')
  assert.ok(fleet.facts()[0]?.readySinceMs !== undefined, 'its ramp has begun')
  panic.stop()
})

test('a drained region takes nothing new until it is undrained and has answered', async () => {
  await using ingress = await startIngress('eu-central')
  await using watched = await watch([regionOf('eu-central', ingress.origin)])
  const { fleet, reached } = watched
  await reached('eu-central', 'healthy')

  fleet.setDrained('eu-central', true)
  fleet.setDrained('nowhere', true)
  const drained = fleet.facts()[0]
  fleet.setDrained('eu-central', false)
  await eventually('it is healthy again', () => fleet.facts()[0]?.state === 'healthy')

  assert.deepEqual([drained?.state, drained?.region.admin], ['draining', 'drain'])
  assert.deepEqual(
    fleet.views().map(({ isDrained }) => isDrained),
    [false],
  )
})

test('work for a region that is not in the list is a fault of ours', async () => {
  await using watched = await watch([])

  assert.throws(() => attempt(watched.fleet, 'eu-central'), /no region eu-central/)
})
