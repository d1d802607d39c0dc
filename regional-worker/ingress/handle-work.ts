// The story of one piece of interactive work, in the order of its way through an ingress.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { decodeWorkHead, type WorkHead } from '#wire/region-api.ts'
import { commonWireVersion, decodeWireRange, WIRE } from '#wire/version.ts'
import { type AdmissionFacts, decideAdmission } from './admission.ts'
import type { Attempt } from './attempt.ts'
import type { Dispatcher } from './dispatch.ts'
import { type Body, type BodyBudget, readBody } from './read-body.ts'
import { Relay } from './relay.ts'
import { asWorkFailed, type WorkFailed, workFailed } from './work-failed.ts'
import type { WorkJournal } from './work-journal.ts'

export interface WorkDeps {
  readonly admissionFacts: (model: string) => AdmissionFacts
  readonly dispatcher: Dispatcher
  readonly bodyBudget: BodyBudget
  readonly bodyBytesMax: number
  /** The most bytes that may wait for one reader. */
  readonly readerBytesMax: number
  readonly journal: WorkJournal
}

/** Takes one `POST /work` from its head to its last frame. Never rejects. */
export async function handleWork(
  deps: WorkDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { dispatcher, journal } = deps
  const relay = new Relay(response, deps.readerBytesMax)
  let head: WorkHead | undefined
  let attempt: Attempt | undefined
  let body: Body | undefined
  let failed: WorkFailed | undefined
  let mistake: unknown
  journal.begin()
  try {
    head = readHead(request.headers)
    const queue = admit(head, deps.admissionFacts(head.model))
    const opened = dispatcher.open(head, queue, relay)
    attempt = opened
    response.once('close', () => dispatcher.giveUp(opened, 'cancelled'))

    body = await readBody(request, deps.bodyBytesMax, deps.bodyBudget)
    dispatcher.publish(opened, body.bytes)
    await opened.untilStarted()
    body.release()
    await opened.untilEnded()
  } catch (error) {
    failed = asWorkFailed(error)
    mistake = error === failed ? undefined : error
    if (attempt !== undefined) dispatcher.giveUp(attempt, failed.failure.code)
    relay.fail(failed)
  } finally {
    body?.release()
    journal.end({ head, attempt, relay, failed, mistake })
  }
}

/** @throws {WorkFailed} `version` before all else: in another version the rest may differ. */
function readHead(headers: IncomingHttpHeaders): WorkHead {
  const range = decodeWireRange(String(headers['meridian-wire'] ?? ''))
  if (range !== undefined && commonWireVersion(range, WIRE) === undefined) {
    throw workFailed('version')
  }
  const decoded = decodeWorkHead(headers)
  if (decoded.kind === 'problem') throw workFailed('bad-call', `header ${decoded.header}`)
  return decoded.head
}

/** @throws {WorkFailed} with the reason why the work may not enter. */
function admit({ priority }: WorkHead, facts: AdmissionFacts): string {
  const admission = decideAdmission(priority, facts)
  if (admission.kind === 'refused') throw workFailed(admission.code)
  return admission.queue
}
