import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadReport } from '#wire/load-report.ts'
import { GatewayError } from './errors.ts'
import { answerList } from './handle-list.ts'
import type { Region } from './regions/region.ts'
import { initialHealth } from './upstream/health-states.ts'
import { initialView, type RegionView } from './upstream/region-view.ts'

const EU = viewOf('eu', '0.13.5', ['qwen3:latest', 'smollm2:135m'])
const US = viewOf('us', '0.12.0', ['qwen3:latest'])

test('the models are those of all regions that can serve, each once', () => {
  const { body } = answerList({ kind: 'ollama-tags' }, [EU, US])

  const models: { name: string; meridian: { regions: string[] } }[] = JSON.parse(body).models
  assert.deepEqual(
    models.map(({ name, meridian }) => [name, meridian.regions]),
    [
      ['qwen3:latest', ['eu', 'us']],
      ['smollm2:135m', ['eu']],
    ],
  )
})

test('a region that is down has no models to offer', () => {
  const down: RegionView = { ...EU, health: { kind: 'down', sinceMs: 0, cause: 'probes' } }

  const { body } = answerList({ kind: 'openai-models' }, [down, US])

  assert.deepEqual(
    JSON.parse(body).data.map(({ id }: { id: string }) => id),
    ['qwen3:latest'],
  )
})

test('the version is the lowest of all, because clients decide by it what they may send', () => {
  const { body } = answerList({ kind: 'ollama-version' }, [EU, US])

  assert.equal(body, '{"version":"0.12.0"}')
})

test('one model is found as Ollama would find it, and an unknown one is not', () => {
  const { body } = answerList({ kind: 'openai-model', name: 'Qwen3' }, [EU])

  assert.equal(JSON.parse(body).id, 'qwen3:latest')
  assert.throws(
    () => answerList({ kind: 'openai-model', name: 'gpt-99' }, [EU]),
    (error) => error instanceof GatewayError && error.code === 'model_not_found',
  )
})

test('the root says what clients of Ollama look for', () => {
  assert.equal(answerList({ kind: 'ollama-root' }, []).body, 'Ollama is running')
})

function viewOf(id: string, version: string, models: readonly string[]): RegionView {
  const region = { id } as unknown as Region
  return {
    ...initialView(region, initialHealth(0)),
    report: { modelServer: { kind: 'ollama', version } } as unknown as LoadReport,
    tags: models.map((name) => ({ name, model: name, modified_at: '2026-01-01T00:00:00Z' })),
  }
}
