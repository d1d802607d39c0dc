import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FaultRules } from './fault-rules.ts'
import { type Behaviour, parseDirectives, parseFaults, withFaults } from './faults.ts'
import type { Gate } from './gate.ts'
import { sendText } from './http-answers.ts'
import type { LoadedModels } from './loaded-models.ts'
import type { Catalog } from './model-catalog.ts'
import { Refusal } from './refusal.ts'
import type { RequestLog, RequestRecord } from './request-log.ts'
import type { Slots } from './slots.ts'

/** What one stand-in is made of; all requests share it. */
export interface StandInParts {
  readonly catalog: Catalog
  readonly loaded: LoadedModels
  readonly slots: Slots
  readonly gate: Gate
  readonly rules: FaultRules
  readonly log: RequestLog
  /** How requests are answered that ask for nothing special; control may replace it. */
  defaults: Behaviour
}

/** One request on its way. */
export interface Call {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly path: string
  /** Aborts when the client goes away before its answer is complete. */
  readonly signal: AbortSignal
  /** `undefined` for reads, which are only counted. */
  readonly record: RequestRecord | undefined
}

/** A call that could make the model work. */
export interface WorkCall extends Call {
  readonly record: RequestRecord
}

/** How a call ended that was answered; one whose client went away rejects instead. */
export type Ended = 'completed' | 'refused' | 'fault'

/** The header by which a request asks for faults of its own. */
export const FAULT_HEADER = 'x-stand-in-fault'

/** What Ollama says when too many requests wait; the two spaces are its own. */
export const BUSY_TEXT = 'server busy, please try again.  maximum pending requests exceeded'

/**
 * Joins what the defaults, the rules, the prompt and the request's header ask for; the later win.
 *
 * Reads have no model and no prompt. @throws {FaultSyntaxError} for faults that nobody knows.
 */
export function behaviourFor(
  call: Call,
  { defaults, rules, log }: StandInParts,
  model = '',
  promptText = '',
): Behaviour {
  const header = call.req.headers[FAULT_HEADER]
  const asked = [
    rules.faultsFor({ path: call.path, model, promptText }),
    parseDirectives(promptText),
    parseFaults(typeof header === 'string' ? header : ''),
  ]
  log.changed() // The rules may have counted it.
  return asked.reduce<Behaviour>(withFaults, defaults)
}

/**
 * Answers in Ollama's place when the behaviour says so, and tells whether it has.
 *
 * @throws {Refusal} for `status`, with Ollama's text for it.
 */
export function answeredByFault(
  call: Call,
  { log }: StandInParts,
  behaviour: Behaviour,
  model = '',
): boolean {
  const { status, error, retryAfterSeconds, html } = behaviour
  if (status !== 0) {
    if (call.record !== undefined) log.harm(call.record, 'status')
    if (retryAfterSeconds >= 0) call.res.setHeader('retry-after', retryAfterSeconds)
    throw new Refusal(status, error || statusText(status, model))
  }
  if (!html) return false
  if (call.record !== undefined) log.harm(call.record, 'html')
  sendText(call.res, 200, 'text/html; charset=utf-8', '<!doctype html><title>Log in</title>')
  return true
}

/**
 * Breaks off an answer that has no tokens to count: hangs, cuts or resets whatever the position.
 *
 * Tells whether it has. Rejects when a client goes away that was left hanging.
 */
export async function brokenOff(
  call: Call,
  { log }: StandInParts,
  { breaks }: Behaviour,
): Promise<boolean> {
  const due = breaks.find(({ kind }) => kind === 'hang' || kind === 'cut' || kind === 'reset')
  if (due === undefined) return false
  if (call.record !== undefined) log.harm(call.record, due.kind)
  if (due.kind === 'hang') {
    await once(call.signal, 'abort')
    call.signal.throwIfAborted()
  }
  if (due.kind === 'cut') call.res.socket?.destroySoon()
  else call.res.socket?.resetAndDestroy()
  return true
}

/**
 * Waits for a slot, which the caller gives back, and then for the gate.
 *
 * Rejects when the client goes away; then nothing is to be given back.
 *
 * @throws {Refusal} 503 when too many wait.
 */
export async function takeSlot(call: WorkCall, { slots, gate, log }: StandInParts): Promise<void> {
  const answer = await slots.take(call.signal)
  if (answer === 'full') throw new Refusal(503, BUSY_TEXT)
  log.start(call.record)
  try {
    await gate.passed(call.signal)
  } catch (cause) {
    slots.release()
    throw cause
  }
}

function statusText(status: number, model: string): string {
  switch (status) {
    case 404:
      return `model '${model}' not found`
    case 429:
      return 'too many requests'
    case 503:
      return BUSY_TEXT
    default:
      return 'llama runner process has terminated: exit status 2'
  }
}
