// Says a planned answer in time: the loop that every generated token goes through.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { AnswerWriter } from './answer-writers.ts'
import type { StandInParts } from './call.ts'
import { type Behaviour, type Break, breakAt } from './faults.ts'
import type { AnswerPlan } from './plan-answer.ts'
import type { RequestRecord } from './request-log.ts'

/** Longer answers without delay leave in parts, so that others get their turn in between. */
const FLUSH_CHARS_MAX = 16 * 1024
/** A reset overtakes bytes that the peer has not read; so they get this long to be read. */
const BEFORE_RESET_MS = 20
const ERROR_TEXT = 'an error was encountered while running the model: unexpected EOF'

/** One answer on its way out. */
export interface Speech {
  readonly plan: AnswerPlan
  readonly behaviour: Behaviour
  readonly writer: AnswerWriter
  readonly parts: Pick<StandInParts, 'gate' | 'log'>
  readonly record: RequestRecord
  readonly res: ServerResponse
  readonly signal: AbortSignal
}

/** How an answer ends early; a malformed line is no end. */
export type Ending = Exclude<Break['kind'], 'malformed'>

/**
 * Says all pieces, each when it is due, and tells what broke the answer; `undefined` when it is
 * complete but for its end, which is the caller's.
 *
 * Rejects when the client goes away, within the same turn of the event loop.
 */
export async function speak(speech: Speech): Promise<Ending | undefined> {
  const { plan, behaviour, writer, parts, record, signal } = speech
  let beganAtMs = performance.now()
  for (const [index, piece] of plan.pieces.entries()) {
    const broken = await breakIfDue(speech, plan.given + index)
    if (broken !== undefined) return broken
    const dueInMs = beganAtMs + index * behaviour.tokenDelayMs - performance.now()
    if (dueInMs > 0) {
      await writer.flush()
      await pause(dueInMs, undefined, { signal })
    }
    if (parts.gate.isShut) beganAtMs += await frozenMs(speech)
    writer.piece(piece)
    parts.log.spoke(record)
    const apart = behaviour.flushEachToken || behaviour.splitUtf8At > 0
    if (apart || writer.bufferedChars > FLUSH_CHARS_MAX) {
      await writer.flush()
      await nextTurn(undefined, { signal })
    }
  }
  return breakIfDue(speech, plan.given + plan.pieces.length)
}

async function breakIfDue(speech: Speech, tokens: number): Promise<Ending | undefined> {
  const { plan, behaviour, writer } = speech
  if (behaviour.breaks.length === 0) return undefined
  const due = breakAt(behaviour.breaks, tokens, plan.given)
  if (due === undefined) return undefined
  speech.parts.log.harm(speech.record, due.kind)
  if (due.kind !== 'malformed') return due.kind
  writer.malformNext() // The one fault that an answer survives: only the next line suffers.
  return undefined
}

/** Carries out what `speak` returned. Rejects when a client goes away that was left hanging. */
export async function breakOff(speech: Speech, ending: Ending): Promise<void> {
  const { behaviour, writer, res, signal } = speech
  switch (ending) {
    case 'error':
      return writer.fail(500, behaviour.error || ERROR_TEXT)
    case 'end':
      return writer.stop()
    case 'reset':
      await writer.flush()
      await pause(BEFORE_RESET_MS, undefined, { signal })
      res.socket?.resetAndDestroy()
      return
    case 'cut':
      await writer.flush()
      res.socket?.destroySoon() // A FIN, and never the chunk that would end the body.
      return
    case 'hang':
      await writer.flush()
      await once(signal, 'abort')
      return signal.throwIfAborted()
    default:
      ending satisfies never
  }
}

async function frozenMs({ parts, signal }: Speech): Promise<number> {
  const shutAtMs = performance.now()
  await parts.gate.passed(signal)
  return performance.now() - shutAtMs
}
