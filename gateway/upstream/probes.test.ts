// Goal: what a gateway thinks of a region follows what the region's ingresses answer.
// Method: real ingresses over mutual TLS. Time between rounds is played where it is the subject;
// elsewhere rounds follow each other quickly and the test waits for what they bring.

import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { makeCertificates } from '../../test/support/certificates.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type ScriptedIngress, startScriptedIngress } from '../../test/support/scripted-ingress.ts'
import { UNLIMITED } from '../../test/support/seen-attempt.ts'
import type { Region } from '../regions/region.ts'
import { HEALTH_DEFAULTS } from './health-states.ts'
import { PROBE_DEFAULTS, type ProbeLimits } from './probe-plan.ts'
import { type ProbeOptions, type Probes, startProbes } from './probes.ts'
import { RegionClient } from './region-client.ts'
import type { RegionView } from './region-view.ts'

const REGION = 'eu-central'
const certificates = await makeCertificates({ regions: [REGION, 'us-east'] })
after(() => certificates[Symbol.asyncDispose]())

function startIngress(region: 'eu-central' | 'us-east' = REGION): Promise<ScriptedIngress> {
  const { cert, key } = certificates.ingress[region]
  return startScriptedIngress({ region, tls: { ca: certificates.ca.cert, cert, key } })
}

function regionOf(id: string, ...ingresses: readonly ScriptedIngress[]): Region {
  return {
    id,
    name: id,
    lat: 0,
    lon: 0,
    residencyTags: [],
    ingress: ingresses.map(({ origin }) => origin),
    bias: 0,
    capacityScaler: 1,
    admin: 'active',
    models: new Map(),
    maxSlots: 64,
  }
}

interface Watched extends AsyncDisposable {
  readonly probes: Probes
  /** `region from>to`, each change in turn. */
  readonly changes: readonly string[]
}

interface WatchOptions {
  readonly everyMs?: number
  readonly timeoutMs?: number
  readonly plan?: Partial<ProbeLimits>
  readonly nowMs?: () => number
  readonly random?: () => number
  readonly priorOf?: NonNullable<ProbeOptions['priorOf']>
}

/** So long a time between rounds that there is only the first one. */
const ONE_ROUND = { everyMs: 600_000 }

/** A region that was lost is back with its first good probe. */
const AT_ONCE = {
  ...HEALTH_DEFAULTS,
  probeRise: 1,
  probeRiseOverMs: 0,
  holdDownMs: 0,
  trialTimeMs: 0,
}

/** Probes the regions with connections of its own, until it is disposed of. */
function watch(regions: readonly Region[], options: WatchOptions = {}): Watched {
  const { everyMs = 20, timeoutMs = 20_000, random = () => 0.5 } = options
  const changes: string[] = []
  const { cert, key } = certificates.gateway
  const clients = new Map(
    regions.map((region) => [
      region,
      region.ingress.map((origin) => {
        return new RegionClient({
          regionId: region.id,
          origin,
          tls: { ca: certificates.ca.cert, cert, key },
          trustDomain: certificates.trustDomain,
          connectionsMax: 4,
          phaseLimits: UNLIMITED,
        })
      }),
    ]),
  )
  const probes = startProbes({
    regions,
    clientsOf: (region) => clients.get(region) ?? [],
    plan: {
      ...PROBE_DEFAULTS,
      probeEveryMs: everyMs,
      probeTimeoutMs: timeoutMs,
      probeFastMs: everyMs * 0.3,
      ...options.plan,
    },
    limits: AT_ONCE,
    nowMs: options.nowMs ?? (() => performance.now()),
    random,
    ...(options.priorOf === undefined ? {} : { priorOf: options.priorOf }),
    onHealthChange: (view, from) => changes.push(`${view.region.id} ${from}>${view.health.kind}`),
  })
  return {
    probes,
    changes,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...clients.values()].flat().map((client) => client.close()))
      await probes.close()
    },
  }
}

function viewOf({ probes }: Watched, regionId = REGION): RegionView | undefined {
  return probes.watchOf(regionId)?.view
}

function stateOf(watched: Watched, regionId = REGION): string | undefined {
  return viewOf(watched, regionId)?.health.kind
}

test('the first round asks every region, whatever comes of it', async () => {
  await using good = await startIngress()
  const gone = await startIngress('us-east')
  await gone.close()
  await using watched = watch([regionOf(REGION, good), regionOf('us-east', gone)], ONE_ROUND)
  const { probes } = watched
  assert.deepEqual(
    probes.watches.map(({ view }) => view.problem),
    ['not probed yet', 'not probed yet'],
  )

  await probes.firstRound

  assert.equal(stateOf(watched), 'healthy')
  assert.equal(viewOf(watched)?.report?.region, REGION)
  assert.equal(stateOf(watched, 'us-east'), 'suspect')
  assert.match(viewOf(watched, 'us-east')?.problem ?? '', /ECONNREFUSED/)
  assert.equal(probes.watchOf('nowhere'), undefined)
  assert.deepEqual(
    probes.watches.map(({ view }) => view.region.id),
    [REGION, 'us-east'],
  )
})

test('a region that stops answering is out after three probes, and back after one', async () => {
  await using ingress = await startIngress()
  await using watched = watch([regionOf(REGION, ingress)])
  await watched.probes.firstRound
  const goodAnswer = ingress.health

  ingress.health = (_nonce, response) => void response.writeHead(503).end()
  await eventually('the region is down', () => stateOf(watched) === 'down')
  const report = viewOf(watched)?.report
  ingress.health = goodAnswer
  await eventually('the region is back', () => stateOf(watched) === 'healthy')

  assert.ok(report, 'what it said last is kept while it is down')
  assert.deepEqual(watched.changes, [
    `${REGION} suspect>healthy`,
    `${REGION} healthy>suspect`,
    `${REGION} suspect>down`,
    `${REGION} down>probing`,
    `${REGION} probing>healthy`,
  ])
})

test('an ingress that is not ready fails its probe, and says why', async () => {
  await using ingress = await startIngress()
  ingress.health = (nonce, response) => {
    response.end(ingress.report(nonce, { ready: false, degradedReason: 'no-healthy-worker' }))
  }
  await using watched = watch([regionOf(REGION, ingress)], ONE_ROUND)

  await watched.probes.firstRound

  assert.equal(viewOf(watched)?.problem, 'no-healthy-worker')
  assert.equal(stateOf(watched), 'suspect')
})

test('a region without an ingress is never healthy', async () => {
  await using watched = watch([regionOf(REGION)])

  await eventually('the region is down', () => stateOf(watched) === 'down')

  assert.equal(viewOf(watched)?.problem, 'no ingress')
})

test('a region is as good as its best ingress', async () => {
  const gone = await startIngress()
  await gone.close()
  await using draining = await startIngress()
  draining.health = (nonce, response) => {
    response.end(draining.report(nonce, { ingress: 'old', draining: true }))
  }
  await using good = await startIngress()
  good.health = (nonce, response) => response.end(good.report(nonce, { ingress: 'new' }))
  await using watched = watch([regionOf(REGION, gone, draining, good)])

  await watched.probes.firstRound

  const view = viewOf(watched)
  assert.deepEqual([stateOf(watched), view?.problem], ['healthy', undefined])
  assert.deepEqual([view?.report?.ingress, view?.report?.draining], ['new', false])
})

test('a region all of whose ingresses drain says so', async () => {
  await using ingress = await startIngress()
  ingress.health = (nonce, response) => response.end(ingress.report(nonce, { draining: true }))
  await using watched = watch([regionOf(REGION, ingress)])

  await watched.probes.firstRound

  assert.equal(viewOf(watched)?.report?.draining, true)
  assert.equal(stateOf(watched), 'draining')
})

test('an old report that comes again changes nothing, and the region stays healthy', async () => {
  await using ingress = await startIngress()
  ingress.health = (nonce, response) => {
    response.end(ingress.report(nonce, { seq: 5, eventLoopDelayMs: ingress.probes }))
  }
  await using watched = watch([regionOf(REGION, ingress)])

  await eventually('three probes are over', () => ingress.probes > 3)

  const view = viewOf(watched)
  assert.deepEqual([stateOf(watched), view?.problem], ['healthy', undefined])
  assert.equal(view?.report?.eventLoopDelayMs, 1)
})

test('a report that claims the impossible is a failed probe', async () => {
  await using ingress = await startIngress()
  const queue = { slots: 0.5, busy: 0, queued: 0, queueLimit: 8, oldestWaitMs: 0 }
  const cpu = { ...queue, workers: { healthy: 1, total: 1 } }
  ingress.health = (nonce, response) => response.end(ingress.report(nonce, { queues: { cpu } }))
  await using watched = watch([regionOf(REGION, ingress)], ONE_ROUND)

  await watched.probes.firstRound

  const view = viewOf(watched)
  assert.deepEqual([stateOf(watched), view?.report], ['suspect', undefined])
  assert.equal(view?.problem, 'report: out-of-bounds')
})

test('the list of models is read once, and again when its revision changes', async () => {
  await using ingress = await startIngress()
  let lists = 0
  let modelsRevision = 'one'
  ingress.health = (nonce, response) => response.end(ingress.report(nonce, { modelsRevision }))
  Object.defineProperty(ingress, 'models', {
    get: () => {
      lists += 1
      return JSON.stringify({ models: [{ name: `list-${lists}` }] })
    },
  })
  await using watched = watch([regionOf(REGION, ingress)])
  const tags = () => viewOf(watched)?.tags.map(({ name }) => name)

  await watched.probes.firstRound
  await eventually('three probes are over', () => ingress.probes > 3)
  assert.deepEqual(tags(), ['list-1'])
  modelsRevision = 'two'
  await eventually('the list has been read again', () => tags()?.[0] === 'list-2')

  assert.equal(lists, 2)
})

test('a list of models that cannot be read is asked for again', async () => {
  await using ingress = await startIngress()
  ingress.models = '<html>'
  await using watched = watch([regionOf(REGION, ingress)])
  await watched.probes.firstRound
  assert.deepEqual(viewOf(watched)?.tags, [])

  ingress.models = '{"models":[{"name":"qwen3"}]}'

  await eventually('the list is there', () => viewOf(watched)?.tags.length === 1)
  assert.equal(stateOf(watched), 'healthy')
})

test('the list of models comes from an ingress that answers', async () => {
  const gone = await startIngress()
  await gone.close()
  await using good = await startIngress()
  good.models = '{"models":[{"name":"qwen3"}]}'
  await using watched = watch([regionOf(REGION, gone, good)])

  await watched.probes.firstRound

  assert.deepEqual(viewOf(watched)?.tags, [{ name: 'qwen3' }])
})

/** Plays the time between rounds; a round itself takes none. */
function playTime(t: TestContext): { tick: (ms: number) => void } {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  return { tick: (ms) => t.mock.timers.tick(ms) }
}

/** Waits for the n-th round, its timer included. */
async function round(ingress: ScriptedIngress, watched: Watched, number: number): Promise<void> {
  await eventually(`probe ${number} is over`, () => ingress.probes === number)
  await watched.probes.firstRound
  await new Promise(setImmediate)
}

const SPREAD: readonly [chance: number, intervalMs: number][] = [
  [0, 800],
  [0.5, 1_000],
  [1, 1_200],
]

for (const [chance, intervalMs] of SPREAD) {
  test(`with chance ${chance} the next probe comes ${intervalMs} ms after the last`, async (t) => {
    await using ingress = await startIngress()
    const time = playTime(t)
    const options = { everyMs: 1_000, random: () => chance, nowMs: () => 0 }
    await using watched = watch([regionOf(REGION, ingress)], options)
    await round(ingress, watched, 1)

    time.tick(intervalMs - 1)
    await new Promise(setImmediate)
    assert.equal(ingress.probes, 1)
    time.tick(1)

    await eventually('the next probe comes', () => ingress.probes === 2)
  })
}

test('a suspect region is asked at once, and then quickly, if it answers or not', async (t) => {
  await using ingress = await startIngress()
  const time = playTime(t)
  await using watched = watch([regionOf(REGION, ingress)], { everyMs: 1_000, nowMs: () => 0 })
  await round(ingress, watched, 1)
  ingress.health = (_nonce, response) => {
    if (ingress.probes === 2) response.writeHead(503).end()
  }

  time.tick(1_000)
  await eventually('the third probe comes without a tick', () => ingress.probes === 3)
  time.tick(299)
  await new Promise(setImmediate)
  assert.equal(ingress.probes, 3)
  time.tick(1)
  await eventually('the fourth does not wait for the third', () => ingress.probes === 4)
  time.tick(300)

  await eventually('nor does the fifth', () => ingress.probes === 5)
  assert.equal(stateOf(watched), 'suspect')
})

test('what an old question comes to says nothing once a later one was answered well', async () => {
  await using ingress = await startIngress()
  const held: (() => void)[] = []
  await using watched = watch([regionOf(REGION, ingress)], { everyMs: 60 })
  await watched.probes.firstRound
  const goodAnswer = ingress.health
  let asked = 0
  ingress.health = (nonce, response) => {
    asked += 1
    if (asked === 1) response.writeHead(503).end()
    else if (asked === 2) held.push(() => response.writeHead(503).end())
    else goodAnswer(nonce, response)
  }

  await eventually('the region is healthy again', () => watched.changes.length === 3)
  const problems = [viewOf(watched)?.problem]
  held[0]?.()
  const probes = ingress.probes
  await eventually('two more probes are over', () => ingress.probes > probes + 2)
  problems.push(viewOf(watched)?.problem)

  assert.deepEqual(watched.changes.slice(1), [
    `${REGION} healthy>suspect`,
    `${REGION} suspect>healthy`,
  ])
  assert.deepEqual(problems, [undefined, undefined])
})

test('some probes are made on a connection of their own', async (t) => {
  await using ingress = await startIngress()
  const ports: (number | undefined)[] = []
  const goodAnswer = ingress.health
  ingress.health = (nonce, response) => {
    ports.push(response.req.socket.remotePort)
    goodAnswer(nonce, response)
  }
  const time = playTime(t)
  const plan = { probeNewConnectionEvery: 2 }
  const options = { everyMs: 1_000, plan, nowMs: () => 0 }
  await using watched = watch([regionOf(REGION, ingress)], options)

  for (let number = 1; number <= 5; number++) {
    await eventually(`report ${number} is in`, () => viewOf(watched)?.report?.seq === number)
    await new Promise(setImmediate)
    time.tick(1_000)
  }

  const [, second, , fourth] = ports
  const uses = [second, fourth].map((port) => ports.filter((other) => other === port).length)
  assert.deepEqual(uses, [1, 1])
  assert.equal(stateOf(watched), 'healthy')
})

test('a region with a good ingress does not wait for a silent one', async () => {
  await using silent = await startIngress()
  await using good = await startIngress()
  silent.health = () => undefined
  await using watched = watch([regionOf(REGION, silent, good)])

  await eventually('three reports of the good one are in', () => good.probes > 3)

  assert.equal(stateOf(watched), 'healthy')
  assert.deepEqual(watched.changes, [`${REGION} suspect>healthy`])
})

test('a gateway that was stopped asks all regions at once, and blames none of them', async (t) => {
  await using near = await startIngress()
  await using far = await startIngress('us-east')
  const time = playTime(t)
  let nowMs = 0
  const options = { everyMs: 1_000, timeoutMs: 800, nowMs: () => nowMs }
  await using watched = watch([regionOf(REGION, near), regionOf('us-east', far)], options)
  await round(near, watched, 1)
  await round(far, watched, 1)
  near.health = () => undefined
  far.health = () => undefined
  nowMs = 1_000
  time.tick(1_000)
  await eventually('both are asked', () => near.probes === 2 && far.probes === 2)

  // Stopped here: when it goes on, the time limits of both questions have passed long ago.
  nowMs = 60_000
  time.tick(1_400)

  await eventually('both are asked anew', () => near.probes > 2 && far.probes > 2)
  assert.deepEqual([stateOf(watched), stateOf(watched, 'us-east')], ['healthy', 'healthy'])
})

test('what the gateways thought of a region a moment ago is where its state begins', async () => {
  await using ingress = await startIngress()
  ingress.health = () => undefined
  const priorOf = (regionId: string) =>
    regionId === REGION ? ({ kind: 'down', ageMs: 100 } as const) : undefined

  await using watched = watch([regionOf(REGION, ingress), regionOf('us-east', ingress)], {
    priorOf,
  })

  assert.deepEqual([stateOf(watched), stateOf(watched, 'us-east')], ['down', 'suspect'])
})

test('the time that a round takes is part of the interval', async (t) => {
  await using ingress = await startIngress()
  let nowMs = 0
  ingress.health = (nonce, response) => {
    nowMs += 400
    response.end(ingress.report(nonce))
  }
  const time = playTime(t)
  const options = { everyMs: 1_000, nowMs: () => nowMs }
  await using watched = watch([regionOf(REGION, ingress)], options)
  await round(ingress, watched, 1)

  time.tick(600)

  await eventually('the next probe comes', () => ingress.probes === 2)
})

test('closed probes have no next round, and may be closed twice', async () => {
  await using ingress = await startIngress()
  await using watched = watch([regionOf(REGION, ingress)])
  await eventually('rounds follow each other', () => ingress.probes > 2)

  await Promise.all([watched.probes.close(), watched.probes.close()])

  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
  assert.deepEqual(timers, [])
})
