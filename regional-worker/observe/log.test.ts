import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, prettyLine } from './log.ts'

test('a line is JSON with the process, the level, the fields and a constant message', () => {
  const lines: string[] = []
  const log = logInto(lines)

  log.info({ 'meridian.request.id': 'req_1' }, 'work ended')

  const { time, ...line } = JSON.parse(lines[0] ?? '')
  assert.ok(!Number.isNaN(Date.parse(time)))
  assert.deepEqual(line, {
    level: 'info',
    'service.name': 'meridian-worker',
    'service.instance.id': 'worker-1',
    'meridian.region': 'eu-central',
    'meridian.request.id': 'req_1',
    msg: 'work ended',
  })
})

test('a line below the level is not written', () => {
  const lines: string[] = []
  logInto(lines).debug({}, 'too fine')

  assert.deepEqual(lines, [])
})

test('an error is written under the names of OpenTelemetry', () => {
  const lines: string[] = []
  logInto(lines).error({ error: new RangeError('too far') }, 'work failed')

  const line = JSON.parse(lines[0] ?? '')
  assert.equal(line['exception.type'], 'RangeError')
  assert.equal(line['exception.message'], 'too far')
  assert.match(line['exception.stacktrace'], /log\.test\.ts/)
  assert.equal(line.error, undefined)
})

test('on a terminal a line is short: time, level, message and what is special about it', () => {
  const json = JSON.stringify({
    level: 'warn',
    time: '2026-01-02T03:04:05.678Z',
    'service.name': 'meridian-worker',
    'service.instance.id': 'worker-1',
    'meridian.region': 'eu-central',
    reasons: ['nats-away'],
    msg: 'not ready',
  })

  assert.equal(
    prettyLine(json),
    '03:04:05.678 warn  not ready service.instance.id=worker-1 reasons=["nats-away"]\n',
  )
})

function logInto(lines: string[]): ReturnType<typeof createLog> {
  const out = { write: (line: string) => void lines.push(line) }
  return createLog({ role: 'worker', region: 'eu-central', id: 'worker-1', level: 'info', out })
}
