import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLog } from './log.ts'

/** A log whose lines are kept, as objects. */
function keptLog(level: string) {
  const lines: Record<string, unknown>[] = []
  const write = (text: string): void => void lines.push(JSON.parse(text) as Record<string, unknown>)
  return { log: createLog(level, 'gw1', { write }), lines }
}

test('a line says when, how bad, who, what and the data', () => {
  const { log, lines } = keptLog('info')

  log.warn({ 'meridian.region': 'eu-central' }, 'region health')

  const [{ time, ...line } = {}] = lines
  assert.match(String(time), /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
  assert.deepEqual(line, {
    level: 'warn',
    'service.name': 'meridian-gateway',
    'service.instance.id': 'gw1',
    'meridian.region': 'eu-central',
    msg: 'region health',
  })
})

const LEVELS: readonly [level: string, written: readonly string[]][] = [
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['silent', []],
]

for (const [level, written] of LEVELS) {
  test(`at the level ${level} ${written.join(', ') || 'nothing'} is written`, () => {
    const { log, lines } = keptLog(level)

    for (const method of ['debug', 'info', 'warn', 'error'] as const) log[method]({}, 'said')

    assert.deepEqual(
      lines.map((line) => line.level),
      written,
    )
  })
}

test('lines go to stdout, the last one before the exit included', () => {
  const file = JSON.stringify(join(import.meta.dirname, 'log.ts'))
  const script = `
    const { createLog } = await import(${file})
    const log = createLog('info', 'gw1')
    for (let number = 1; number <= 1000; number++) log.info({ number }, 'counted')
    process.exit(0)`

  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })

  const lines = stdout.trimEnd().split('\n')
  assert.equal(stderr, '')
  assert.equal(lines.length, 1_000)
  assert.equal((JSON.parse(lines.at(-1) ?? '') as { number: number }).number, 1_000)
})
