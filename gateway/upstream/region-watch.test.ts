// Goal: probes and attempts reach the state machine of their region, each with the right meaning.
// Method: attempts that a test ends by hand, as undici would, and a clock that it moves.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import { UNLIMITED } from '../../test/support/seen-attempt.ts'
import type { Region } from '../regions/region.ts'
import { Attempt, type AttemptEvents } from './attempt.ts'
import { HEALTH_DEFAULTS, type HealthState } from './health-states.ts'
import { RegionWatch, type WatchOptions } from './region-watch.ts'

const FIXTURE = join(import.meta.dirname, '../../test/wire/fixtures/v1/load-report.json')
const REPORT = JSON.parse(readFileSync(FIXTURE, 'utf8')) as LoadReport
const REGION: Region = {
  id: 'eu-central',
  name: 'Frankfurt',
  lat: 50.11,
  lon: 8.68,
  residencyTags: ['eu'],
  ingress: ['https://127.0.0.1:1'],
  bias: 0,
  capacityScaler: 1,
  admin: 'active',
  models: new Map(),
  maxSlots: 64,
}
const TWO_DOORS: Region = { ...REGION, ingress: ['https://127.0.0.1:1', 'https://127.0.0.1:2'] }

const NOBODY: AttemptEvents = {
  onAccepted: () => undefined,
  onStarted: () => undefined,
  onFrame: () => true,
}

/** A watch whose attempts are made, started and ended by hand. */
class Played {
  nowMs = 0
  mayEject = true
  isAnyInRotation = true
  isWaking = false
  readonly changes: string[] = []
  /** The places of the endpoints that were asked. */
  readonly asked: number[] = []
  readonly watch: RegionWatch

  constructor(region: Region = REGION, more: Partial<WatchOptions> = {}) {
    this.watch = new RegionWatch(region, {
      limits: HEALTH_DEFAULTS,
      prior: undefined,
      moment: () => ({
        nowMs: this.nowMs,
        chance: 0.5,
        mayEject: this.mayEject,
        isAnyInRotation: this.isAnyInRotation,
      }),
      isWaking: () => this.isWaking,
      onStateChange: (watch, from) => {
        this.changes.push(`${from.kind}>${watch.view.health.kind}`)
      },
      ...more,
    })
  }

  get state(): HealthState {
    return this.watch.view.health
  }

  pass(report: Partial<LoadReport> = {}, isNew = true): this {
    this.watch.onProbe({ kind: 'passed', report: { ...REPORT, ...report }, rttMs: 10, isNew })
    return this
  }

  fail(times = 1): this {
    for (let time = 0; time < times; time++) {
      this.watch.onProbe({ kind: 'failed', problem: 'refused' })
    }
    return this
  }

  begin(events: AttemptEvents = NOBODY): Attempt {
    return this.watch.attempt((endpoint, watched) => {
      this.asked.push(endpoint)
      return new Attempt(watched, UNLIMITED)
    }, events)
  }

  /** An attempt that ends with a lost connection. */
  async lose(times = 1): Promise<void> {
    for (let time = 0; time < times; time++) await end(this.begin(), 'lost')
  }
}

const CONTROLLER = { abort: () => undefined, resume: () => undefined } as never
const HEADERS = { 'content-type': 'application/vnd.meridian.frames', 'meridian-worker': 'w1' }

function start(attempt: Attempt): Attempt {
  attempt.onResponseStart(CONTROLLER, 200, HEADERS)
  return attempt
}

async function end(attempt: Attempt, how: 'lost' | 'stopped' | 'given-up'): Promise<void> {
  if (how === 'lost') attempt.onResponseError(CONTROLLER, new Error('reset'))
  else if (how === 'stopped') attempt.stop()
  else {
    attempt.abort({ kind: 'failed', code: 'client_closed', fault: 'client', workStarted: 'no' })
  }
  await attempt.outcome
}

/** Down by probes, and being tried again since 20 s. */
function probing(): Played {
  const played = new Played().pass().fail(3)
  for (const nowMs of [16_000, 18_000, 20_000]) {
    played.nowMs = nowMs
    played.pass()
  }
  assert.equal(played.state.kind, 'probing')
  return played
}

test('probes move the state, and every change is told with what was before', () => {
  const played = new Played().pass().fail(3)

  assert.deepEqual(played.changes, ['suspect>healthy', 'healthy>suspect', 'suspect>down'])
  assert.equal(played.watch.view.problem, 'refused')
  assert.equal(played.watch.view.report?.seq, REPORT.seq)
})

test('time alone is enough for some changes', async () => {
  const played = probing()
  played.nowMs = 25_000

  played.watch.onTime()

  assert.equal(played.state.kind, 'healthy')
  assert.equal(played.watch.facts.readySinceMs, 25_000)
})

test('a report that is not new shows that the region is there, and changes nothing else', () => {
  const played = new Played().pass().fail()

  played.pass({ seq: 1, draining: true }, false).pass({ seq: 1, draining: true }, false)

  assert.equal(played.state.kind, 'healthy')
  assert.equal(played.watch.view.problem, undefined)
  assert.equal(played.watch.view.report?.seq, REPORT.seq)
})

test('failed connections of attempts are heard before whoever made them goes on', async () => {
  const played = new Played().pass()
  await played.lose()
  const attempt = played.begin()
  let seen: string | undefined
  const waiting = attempt.outcome.then(() => {
    seen = played.state.kind
  })

  attempt.onResponseError(CONTROLLER, new Error('refused'))
  await waiting

  assert.equal(seen, 'suspect')
  await played.lose(3)
  assert.equal(played.state.kind, 'ejected')
})

test('a region that the fleet cannot do without is spared', async () => {
  const played = new Played().pass()
  played.mayEject = false

  await played.lose(9)

  assert.deepEqual(played.state, { kind: 'suspect', sinceMs: 0, cause: 'spared' })
})

test('attempts that their clients gave up say nothing', async () => {
  const played = new Played().pass()

  for (let time = 0; time < 9; time++) await end(played.begin(), 'given-up')

  assert.deepEqual(played.changes, ['suspect>healthy'])
})

test('what is seen after a pause of this process says nothing of a region', async () => {
  const played = new Played().pass()
  played.isWaking = true

  await played.lose(9)

  assert.equal(played.state.kind, 'healthy')
})

test('attempts go to the endpoints in turn', () => {
  const played = new Played(TWO_DOORS).pass()

  const attempts = [1, 2, 3, 4].map(() => played.begin())

  assert.deepEqual(played.asked.toSorted(), [0, 0, 1, 1])
  for (const attempt of attempts) attempt.stop()
})

test('an endpoint that loses connections is left out, and its region is not blamed', async () => {
  const played = new Played(TWO_DOORS).pass()
  const broken = async (): Promise<void> => {
    const attempt = played.begin()
    await end(attempt, played.asked.at(-1) === 0 ? 'lost' : 'given-up')
  }

  for (let time = 0; time < 20; time++) await broken()

  assert.equal(played.asked.filter((endpoint) => endpoint === 0).length, 2)
  assert.equal(played.state.kind, 'healthy')
})

test('the last endpoint in use is the region: what it fails counts', async () => {
  const played = new Played(TWO_DOORS).pass()
  for (let time = 0; time < 2; time++) played.watch.onEndpoint(0, { kind: 'probe-failed' })

  await played.lose(5)

  assert.equal(played.state.kind, 'ejected')
  assert.deepEqual(played.asked.slice(0, 2), [1, 1])
})

test('attempts in a region that is tried again are its trials; three good starts do', () => {
  const played = probing()

  const attempts = [1, 2, 3].map(() => played.begin())
  const left = played.watch.facts.trialsLeft
  for (const attempt of attempts) start(attempt)

  assert.equal(left, 0)
  assert.equal(played.state.kind, 'healthy')
  for (const attempt of attempts) attempt.stop()
})

test('a trial whose client leaves before it has begun is given to another', async () => {
  const played = probing()

  await end(played.begin(), 'given-up')

  assert.equal(played.watch.facts.trialsLeft, 3)
})

test('an attempt from before the loss is no trial, however it ends', async () => {
  const played = new Played().pass()
  const old = played.begin()
  played.fail(3)
  for (const nowMs of [16_000, 18_000, 20_000]) {
    played.nowMs = nowMs
    played.pass()
  }

  await end(old, 'lost')

  assert.deepEqual([played.state.kind, played.watch.facts.trialsLeft], ['probing', 3])
})

test('where nobody is in rotation one good start is enough to be tried again', async () => {
  const played = new Played().pass().fail(3)
  played.isAnyInRotation = false

  const attempt = start(played.begin())

  assert.equal(played.state.kind, 'probing')
  await end(attempt, 'stopped')
})

test('an operator drains a region in every state, and what he drained is barred', () => {
  const played = new Played().pass()

  played.watch.setDrained(true)
  const drained = [played.state.kind, played.watch.facts.region.admin]
  played.watch.setDrained(false)
  played.pass()

  assert.deepEqual(drained, ['draining', 'drain'])
  assert.deepEqual([played.state.kind, played.watch.facts.region.admin], ['healthy', 'active'])
})

test('a region that config drains drains from the first moment on', () => {
  const played = new Played({ ...REGION, admin: 'drain' }).pass()

  assert.equal(played.state.kind, 'draining')
})

test('a shared view is where the state begins', () => {
  const { state } = new Played(REGION, { prior: { kind: 'ejected', ageMs: 100 } })

  assert.equal(state.kind, 'ejected')
})

test('facts are the same object until something in them changes', async () => {
  const played = new Played().pass()
  const { facts } = played.watch

  played.watch.onTime()
  await end(start(played.begin()), 'stopped')
  await played.lose()
  assert.equal(played.watch.facts, facts)
  played.pass({ seq: REPORT.seq + 1 })

  assert.notEqual(played.watch.facts, facts)
  assert.equal(played.watch.facts.report?.seq, REPORT.seq + 1)
})

test('whoever made an attempt hears everything of it', async () => {
  const heard: string[] = []
  const attempt = new Played().pass().begin({
    onAccepted: () => void heard.push('accepted'),
    onStarted: (workerId) => void heard.push(workerId),
    onFrame: ({ type }) => heard.push(type) < 0,
  })

  attempt.onResponseStart(CONTROLLER, 102, {})
  start(attempt)
  await end(attempt, 'stopped')

  assert.deepEqual(heard, ['accepted', 'w1'])
})
