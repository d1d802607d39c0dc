import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workerProcess } from './worker.ts'

const worker = (environment: Readonly<Record<string, string>>) =>
  workerProcess({
    id: 'us-east-worker-1',
    entry: '/worker/main.ts',
    slots: 3,
    environment: () => environment,
  })

test('a worker is told who it is, how much it may take on and where its models are', () => {
  const { args, environment } = worker({ OLLAMA_HOST: 'http://127.0.0.1:11434' }).command(undefined)

  assert.deepEqual(args, ['/worker/main.ts'])
  assert.deepEqual(environment, {
    OLLAMA_HOST: 'http://127.0.0.1:11434',
    WORKER_ID: 'us-east-worker-1',
    WORKER_ADMIN_HOST: '127.0.0.1',
    WORKER_ADMIN_PORT: '0',
    WORKER_SLOTS: '3',
    WORKER_MODEL_QUEUES: 'qwen3:14b=gpu',
  })
})

test('which models go to which queue is for the person to say, which port is not', () => {
  const spec = worker({ WORKER_MODEL_QUEUES: 'llama4=gpu', WORKER_ADMIN_PORT: '9292' })

  const { environment } = spec.command({ adminUrl: 'http://127.0.0.1:40000' })

  assert.equal(environment.WORKER_MODEL_QUEUES, 'llama4=gpu')
  assert.equal(environment.WORKER_ADMIN_PORT, '40000')
})
