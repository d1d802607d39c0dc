import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

// Read from a process of its own: the log writes to the standard output, in the background.

test('lines are JSON with their level by name, and none is lost when the process exits', async () => {
  const script = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}
    const log = createLog('info', 'g1')
    log.debug({}, 'not wanted')
    for (let i = 0; i < 500; i++) log.info({ i }, 'request')
    process.exit(0)
  `
  const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', script])

  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line))
  assert.equal(lines.length, 500)
  assert.deepEqual(
    lines.map(({ i }) => i),
    Array.from({ length: 500 }, (_, i) => i),
  )
  const { level, msg, time, 'service.instance.id': id } = lines[0]
  assert.deepEqual([level, msg, id], ['info', 'request', 'g1'])
  assert.match(time, /^\d{4}-\d\d-\d\dT/)
})
