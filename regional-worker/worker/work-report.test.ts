import assert from 'node:assert/strict'
import { test } from 'node:test'
import { regionFailure } from '#wire/error-codes.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { ModelFacts } from './model-facts.ts'
import { RunningWork } from './running-work.ts'
import { Slots } from './slots.ts'
import type { WorkOutcome } from './work-outcome.ts'
import { reportRefusal, reportWork } from './work-report.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

const USAGE = { promptTokens: 10, promptMs: 30, outputTokens: 5 }

test('work that ended well is counted, measured and a line for debugging only', async () => {
  const { report, lines, registry, facts } = start()

  report({ kind: 'done', last: Buffer.from('{}'), usage: USAGE })

  const text = await registry.text()
  assert.match(text, /work_total\{queue="cpu",outcome="done",code="",role="worker"\} 1/)
  assert.match(text, /tokens_total\{queue="cpu",type="input",role="worker"\} 10/)
  assert.match(text, /tokens_total\{queue="cpu",type="output",role="worker"\} 5/)
  assert.match(text, /phase_seconds_count\{role="worker",queue="cpu",phase="content"\} 1/)
  assert.equal(facts.prefillMsPerToken('m'), 3)
  assert.equal(lines[0]?.level, 'debug')
  assert.equal(lines[0]?.['gen_ai.usage.output_tokens'], 5)
})

for (const [outcome, level, code] of [
  [{ kind: 'failed', failure: regionFailure('ollama-silent') }, 'warn', 'ollama-silent'],
  [{ kind: 'failed', failure: regionFailure('request-refused') }, 'info', 'request-refused'],
  [{ kind: 'cancelled' }, 'debug', ''],
  [{ kind: 'abandoned', because: 'ingress-gone' }, 'warn', 'ingress-gone'],
] as const satisfies readonly (readonly [WorkOutcome, string, string])[]) {
  test(`work that ended ${outcome.kind} ${code} is a line at ${level}`, async () => {
    const { report, lines, registry } = start()

    report(outcome)

    assert.equal(lines[0]?.level, level)
    assert.ok((await registry.text()).includes(`outcome="${outcome.kind}",code="${code}"`))
  })
}

test('what Ollama says of a request at fault is not logged: it may repeat the request', () => {
  const { report, lines } = start()
  report({ kind: 'failed', failure: regionFailure('request-refused', { message: 'secret' }) })
  report({ kind: 'failed', failure: regionFailure('out-of-memory', { message: 'no memory' }) })

  assert.equal(lines[0]?.reason, undefined)
  assert.equal(lines[1]?.reason, 'no memory')
})

test('a message that could not become work is counted and logged with its reason', async () => {
  const { parts, lines, registry } = start()

  reportRefusal(parts, 'malformed', 'gpu')

  assert.equal(lines[0]?.because, 'malformed')
  assert.match(await registry.text(), /queue="gpu",outcome="abandoned",code="malformed"/)
})

function start() {
  const lines: Record<string, unknown>[] = []
  const out = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = createLog({ role: 'worker', region: 'eu', id: 'w', level: 'debug', out })
  const registry = createMetrics('worker')
  const metrics = createWorkerMetrics(registry, new Slots(1))
  const facts = new ModelFacts({ queues: ['cpu'], modelQueues: new Map() })
  const parts = { log, metrics, facts }
  const report = (outcome: WorkOutcome): void => {
    const work = workOf(facts)
    reportWork(parts, work, outcome, 'cpu')
    work.close()
  }
  return { parts, report, lines, registry, facts }
}

/** A piece of work that has called Ollama and got its first output. */
function workOf(facts: ModelFacts): RunningWork {
  const limits = { firstOutputMs: 1, prefillMsPerToken: 1, loadMs: 1, silenceMs: 1, toolCallMs: 1 }
  const outbox = { publish: () => true, publishSoon: () => true, atTurnEnd: () => undefined }
  const work = new RunningWork(
    { outbox, workerId: 'w', facts, limits },
    {
      requestId: 'req_a_1',
      attempt: 1,
      kind: 'chat',
      model: 'm',
      deadlineMs: 60_000,
      priority: 'standard',
      inbox: `_INBOX.ingress.i.${'0'.repeat(32)}`,
    },
  )
  work.begin(Buffer.from('{}'))
  work.passOn(Buffer.from('{}\n'))
  return work
}
