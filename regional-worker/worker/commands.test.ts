import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerControlSubject } from '#wire/subjects.ts'
import { encodeWorkerCommand } from '#wire/work-message.ts'
import type { NatsMessage } from '../nats-connection.ts'
import { takeCommands } from './commands.ts'

test('a command reaches the work that it names', () => {
  const worker = start()
  worker.hear(encodeWorkerCommand({ command: 'pause', workId: 'req_1:1' }))
  worker.hear(encodeWorkerCommand({ command: 'resume', workId: 'req_1:1' }))
  worker.hear(encodeWorkerCommand({ command: 'cancel', workId: 'req_1:1' }))

  assert.equal(worker.subject, workerControlSubject('w1'))
  assert.deepEqual(worker.done, ['pause', 'resume', 'cancel'])
  assert.deepEqual(worker.counted, ['pause', 'resume', 'cancel'])
})

test('a command for work that does not run here, or that is none, does nothing', () => {
  const worker = start()
  worker.hear(encodeWorkerCommand({ command: 'cancel', workId: 'req_2:1' }))
  worker.hear('{"command":"explode","workId":"req_1:1"}')
  worker.hear('no JSON')

  assert.deepEqual(worker.done, [])
  assert.deepEqual(worker.counted, [])
})

function start() {
  const done: string[] = []
  const counted: string[] = []
  const work = {
    cancel: () => void done.push('cancel'),
    pause: () => void done.push('pause'),
    resume: () => void done.push('resume'),
  }
  let subject = ''
  let hear = (_message: NatsMessage): void => undefined
  takeCommands({
    nats: {
      subscribe: (wanted, handle) => {
        subject = wanted
        hear = handle
        return () => undefined
      },
    },
    workerId: 'w1',
    workOf: (workId) => (workId === 'req_1:1' ? work : undefined),
    onCommand: (command) => void counted.push(command),
  })
  return {
    done,
    counted,
    subject,
    hear: (text: string) =>
      hear({ subject, data: Buffer.from(text), reply: '', status: 0, header: () => '' }),
  }
}
