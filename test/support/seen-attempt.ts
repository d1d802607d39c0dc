import type { Frame, FrameType } from '#wire/frames.ts'
import type { WorkHead } from '#wire/region-api.ts'
import type { Attempt, AttemptEvents, PhaseLimits } from '../../gateway/upstream/attempt.ts'
import type { AttemptFailure } from '../../gateway/upstream/failures.ts'
import type { RegionClient } from '../../gateway/upstream/region-client.ts'
import type { AttemptOutcome } from '../../gateway/upstream/route.ts'

/** Limits that no test meets: whatever lasts this long is a hang. */
export const UNLIMITED: PhaseLimits = {
  connectTimeoutMs: 20_000,
  sendTimeoutMs: 20_000,
  acceptTimeoutMs: 20_000,
  queueTimeoutMs: 20_000,
  silenceTimeoutMs: 20_000,
}

const HEAD: WorkHead = {
  requestId: 'req_test_0123456789abcdef01234567',
  attempt: 1,
  kind: 'chat',
  model: 'smollm2:135m',
  deadlineMs: 60_000,
  queueDeadlineMs: 30_000,
  priority: 'standard',
  hop: 0,
}

/** Everything that one attempt told its maker. */
export class SeenAttempt implements AttemptEvents {
  readonly frames: Frame[] = []
  readonly attempt: Attempt
  acceptedTimes = 0
  workerId: string | undefined
  /** False makes the reader one that does not keep up. */
  keepsUp = true
  /** Set when the attempt has ended. */
  result: AttemptOutcome | undefined

  constructor(client: RegionClient, body: string | Buffer = '{"model":"smollm2:135m"}') {
    this.attempt = client.attempt(HEAD, body, this)
    this.attempt.outcome.then((outcome) => {
      this.result = outcome
    })
  }

  get outcome(): Promise<AttemptOutcome> {
    return this.attempt.outcome
  }

  get types(): FrameType[] {
    return this.frames.map(({ type }) => type)
  }

  get text(): string {
    return this.frames.map(({ payload }) => payload.toString()).join('')
  }

  onAccepted(): void {
    this.acceptedTimes += 1
  }

  onStarted(workerId: string): void {
    this.workerId = workerId
  }

  onFrame(frame: Frame): boolean {
    this.frames.push(frame)
    return this.keepsUp
  }
}

/** A failure without its cause, which is for the log and differs from one Node to the next. */
export function factsOf(outcome: AttemptOutcome): Partial<AttemptFailure> | { kind: 'answered' } {
  if (outcome.kind === 'answered') return outcome
  const { cause: _cause, ...facts } = outcome
  return facts
}

/** What an attempt fails with. */
export function failure(facts: Partial<AttemptFailure>): Partial<AttemptFailure> {
  return { kind: 'failed', fault: 'region', ...facts }
}
