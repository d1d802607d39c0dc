import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../errors.ts'
import type { AttemptFailure } from './failures.ts'
import { type AttemptOutcome, route } from './route.ts'

const ANSWERED: AttemptOutcome = { kind: 'answered' }
const LOST: AttemptFailure = {
  kind: 'failed',
  code: 'upstream_error',
  fault: 'region',
  workStarted: 'yes',
  cause: 'reset',
}

/** Routes over regions that answer in turn as the list says, and returns which were asked. */
async function routeOver(
  outcomes: Readonly<Record<string, AttemptOutcome>>,
  { committed = false, attemptsMax = 3 } = {},
): Promise<{ asked: string[]; error: GatewayError | undefined }> {
  const asked: string[] = []
  const deps = {
    chooseRegion: (tried: readonly string[]) =>
      Object.keys(outcomes).find((id) => !tried.includes(id)),
    attempt: async (regionId: string, attempt: number) => {
      asked.push(`${attempt}:${regionId}`)
      return outcomes[regionId] ?? LOST
    },
    progress: (attempts: number) => ({ attempts, committed, nowMs: 0, deadlineMs: 1 }),
    limits: { attemptsMax },
  }
  try {
    await route(deps)
    return { asked, error: undefined }
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    return { asked, error }
  }
}

test('the best region answers, and no other is asked', async () => {
  const { asked, error } = await routeOver({ near: ANSWERED, far: ANSWERED })

  assert.deepEqual(asked, ['1:near'])
  assert.equal(error, undefined)
})

test('a failed region is followed by the next one, which has not been tried', async () => {
  const { asked, error } = await routeOver({ near: LOST, middle: LOST, far: ANSWERED })

  assert.deepEqual(asked, ['1:near', '2:middle', '3:far'])
  assert.equal(error, undefined)
})

test('without any region to try none is available', async () => {
  const { asked, error } = await routeOver({})

  assert.deepEqual(asked, [])
  assert.equal(error?.code, 'no_region_available')
})

test('when no region is left the last failure is the answer, with its cause', async () => {
  const full: AttemptFailure = { ...LOST, code: 'overloaded', cause: 'overflow' }

  const { asked, error } = await routeOver({ near: LOST, far: full })

  assert.deepEqual(asked, ['1:near', '2:far'])
  assert.equal(error?.code, 'overloaded')
  assert.equal(error?.cause, 'overflow')
})

test('no more regions are tried than attempts are allowed', async () => {
  const { asked, error } = await routeOver({ a: LOST, b: LOST, c: ANSWERED }, { attemptsMax: 2 })

  assert.deepEqual(asked, ['1:a', '2:b'])
  assert.equal(error?.code, 'upstream_error')
})

test('an answer that broke after its first content is not begun elsewhere', async () => {
  const { asked, error } = await routeOver({ near: LOST, far: ANSWERED }, { committed: true })

  assert.deepEqual(asked, ['1:near'])
  assert.equal(error?.code, 'stream_interrupted')
})

test("a refusal of the model server keeps the server's status and text", async () => {
  const refused: AttemptFailure = {
    ...LOST,
    code: 'model_refused',
    fault: 'request',
    status: 422,
    message: 'bad format',
  }

  const { error } = await routeOver({ near: refused, far: ANSWERED })

  assert.deepEqual(
    [error?.code, error?.status, error?.message],
    ['model_refused', 422, 'bad format'],
  )
})
