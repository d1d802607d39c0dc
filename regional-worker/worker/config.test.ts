import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../read-environment.ts'
import { parseWorkerConfig } from './config.ts'

test('a region is all that must be said', () => {
  const { workerId, nats, ...config } = parseWorkerConfig({ REGION_ID: 'eu-central' })

  assert.match(workerId, /^worker-[0-9a-f]{6}$/)
  assert.deepEqual(nats, {
    url: 'nats://127.0.0.1:4222',
    name: `worker ${workerId}`,
    inboxPrefix: `_INBOX.worker.${workerId}`,
  })
  assert.deepEqual(config, {
    regionId: 'eu-central',
    admin: { host: '127.0.0.1', port: 9_292 },
    ollamaUrl: 'http://127.0.0.1:11434',
    slots: 2,
    queues: ['cpu', 'gpu'],
    modelQueues: new Map(),
    limits: {
      firstOutputMs: 10_000,
      prefillMsPerToken: 20,
      loadMs: 300_000,
      silenceMs: 10_000,
      toolCallMs: 120_000,
    },
    drainMs: 300_000,
    logLevel: 'info',
  })
})

test('models are given to queues by name, tags and namespaces included', () => {
  const { modelQueues } = parseWorkerConfig({
    REGION_ID: 'eu-central',
    WORKER_MODEL_QUEUES: 'qwen3:14b=gpu, hf.co/a/b:q4=big',
  })

  assert.deepEqual(
    [...modelQueues],
    [
      ['qwen3:14b', 'gpu'],
      ['hf.co/a/b:q4', 'big'],
    ],
  )
})

test('the identity towards NATS is passed on', () => {
  const file = import.meta.filename
  const { nats } = parseWorkerConfig({
    REGION_ID: 'eu-central',
    WORKER_ID: 'w1',
    NATS_URL: 'tls://nats.example:4222',
    NATS_CA_FILE: file,
    NATS_CERT_FILE: file,
    NATS_KEY_FILE: file,
    NATS_USER: 'worker',
    NATS_PASSWORD_FILE: file,
  })

  assert.deepEqual(nats, {
    url: 'tls://nats.example:4222',
    name: 'worker w1',
    inboxPrefix: '_INBOX.worker.w1',
    caFile: file,
    certFile: file,
    keyFile: file,
    user: 'worker',
    passwordFile: file,
  })
})

for (const [host, url] of [
  ['0.0.0.0', 'http://127.0.0.1:11434'],
  ['0.0.0.0:8000', 'http://127.0.0.1:8000'],
  ['ollama.example', 'http://ollama.example:11434'],
  ['http://ollama.example/prefix', 'http://ollama.example/prefix'],
  ['https://ollama.example', 'https://ollama.example'],
  ['[::]:9000', 'http://127.0.0.1:9000'],
] as const) {
  test(`OLLAMA_HOST=${host} is ${url}`, () => {
    const { ollamaUrl } = parseWorkerConfig({ REGION_ID: 'eu-central', OLLAMA_HOST: host })

    assert.equal(ollamaUrl, url)
  })
}

for (const [name, env] of [
  ['REGION_ID', {}],
  ['REGION_ID', { REGION_ID: 'EU' }],
  ['WORKER_ID', { REGION_ID: 'eu', WORKER_ID: 'a.b' }],
  ['WORKER_SLOTS', { REGION_ID: 'eu', WORKER_SLOTS: '0' }],
  ['WORKER_QUEUES', { REGION_ID: 'eu', WORKER_QUEUES: 'cpu,cpu' }],
  ['WORKER_QUEUES', { REGION_ID: 'eu', WORKER_QUEUES: 'cpu.*' }],
  ['WORKER_QUEUES', { REGION_ID: 'eu', WORKER_QUEUES: 'abcdefghijklmnopq'.split('').join() }],
  ['WORKER_MODEL_QUEUES', { REGION_ID: 'eu', WORKER_MODEL_QUEUES: 'qwen3' }],
  ['OLLAMA_HOST', { REGION_ID: 'eu', OLLAMA_HOST: 'http://a:port' }],
  ['NATS_CERT_FILE', { REGION_ID: 'eu', NATS_KEY_FILE: import.meta.filename }],
  [
    'NATS_CERT_FILE',
    {
      REGION_ID: 'eu',
      NATS_CERT_FILE: import.meta.filename,
      NATS_KEY_FILE: import.meta.filename,
    },
  ],
  ['WORKER_LOAD_LIMIT_MS', { REGION_ID: 'eu', WORKER_LOAD_LIMIT_MS: '100' }],
  ['WORKER_TOOL_CALL_LIMIT_MS', { REGION_ID: 'eu', WORKER_TOOL_CALL_LIMIT_MS: '100' }],
] as const) {
  test(`${JSON.stringify(env).slice(0, 60)} is a problem with ${name}`, () => {
    assert.throws(
      () => parseWorkerConfig(env),
      (error) =>
        error instanceof ConfigError &&
        error.problems.length === 1 &&
        error.problems[0]?.startsWith(name) === true,
    )
  })
}
