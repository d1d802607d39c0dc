// A region without an ingress of ours: a real nats-server, a real worker in this process, a
// scripted Ollama, and an ingress that is reduced to its side of NATS.

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { parseWorkerConfig } from '../../regional-worker/worker/config.ts'
import { startWorker, type Worker } from '../../regional-worker/worker/start-worker.ts'
import { eventually } from './eventually.ts'
import { type FakeIngress, startFakeIngress } from './fake-ingress.ts'
import { type NatsServer, startNatsServer } from './nats-server.ts'
import {
  type Answer,
  type ScriptedOllama,
  type ScriptedOllamaOptions,
  startScriptedOllama,
} from './scripted-ollama.ts'

export interface WorkerRegion extends AsyncDisposable {
  readonly nats: NatsServer
  readonly ollama: ScriptedOllama
  readonly ingress: FakeIngress
  readonly worker: Worker
  /** The environment that a further worker of this region needs. */
  readonly env: Readonly<Record<string, string>>
  /** The value of a metric now, 0 when it has none: the first line that has all these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Waits until a metric has a value. @throws {AssertionError} after ten seconds. */
  untilMetric(name: string, labels: Readonly<Record<string, string>>, value: number): Promise<void>
}

export interface WorkerRegionOptions {
  /** Environment variables of the worker, over those that a test always has. */
  readonly env?: Readonly<Record<string, string>>
  readonly ollama?: ScriptedOllamaOptions
}

/** Starts them all and resolves when the ingress has heard that the worker is healthy. */
export async function startWorkerRegion(
  answer: Answer,
  options: WorkerRegionOptions = {},
): Promise<WorkerRegion> {
  await using opened = new AsyncDisposableStack()
  const nats = opened.use(await startNatsServer({ jetstream: true }))
  const ollama = opened.use(await startScriptedOllama(answer, options.ollama))
  const ingress = opened.use(await startFakeIngress({ natsUrl: nats.url }))
  const env = {
    REGION_ID: 'eu-test',
    WORKER_ADMIN_PORT: '0',
    NATS_URL: nats.url,
    OLLAMA_HOST: ollama.url,
    LOG_LEVEL: 'error',
    ...options.env,
  }
  const worker = opened.use(await startWorker(parseWorkerConfig(env)))
  await eventually('the worker is healthy', () => ingress.heartbeats.at(-1)?.healthy)
  const stack = opened.move()
  const metric: WorkerRegion['metric'] = async (name, labels = {}) => {
    const response = await fetch(`${worker.adminUrl}/metrics`)
    return readMetric(await response.text(), name, labels)
  }
  return {
    nats,
    ollama,
    ingress,
    worker,
    env,
    metric,
    untilMetric: async (name, labels, value) => {
      const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
      for (
        let last = await metric(name, labels);
        last !== value;
        last = await metric(name, labels)
      ) {
        assert.ok(performance.now() < giveUpAt, `${name} is ${last}, not ${value}`)
        await setTimeout(10)
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const GIVE_UP_AFTER_MS = 10_000

function readMetric(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = text
    .split('\n')
    .find((found) => found.startsWith(`${name}{`) && wanted.every((part) => found.includes(part)))
  return Number(line?.split(' ').at(-1) ?? 0)
}
