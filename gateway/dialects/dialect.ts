// pure
//
// A dialect is how a client speaks. It is two pure things: a function from the client's body to the
// inner form, and an encoder from Ollama's records back to the client's form. Nothing else in the
// gateway knows what an API looks like.

import type { Priority, WorkKind } from '#wire/region-api.ts'
import type { GatewayError } from '../errors.ts'

/** What a client's request means: Ollama's own request, and what routing needs to know about it. */
export interface InnerRequest {
  readonly kind: WorkKind
  /** The model as the client wrote it. */
  readonly model: string
  /** Ollama's request as it goes to the model server: always streamed where the kind can be. */
  readonly body: Readonly<Record<string, unknown>>
  /** The class that the request asked for; `undefined` = that of the caller. */
  readonly priority?: Priority | undefined
  /** What keeps a conversation together: an explicit key, or the beginning of its text. */
  readonly affinity: AffinityKey
  /** Fields that were accepted and change nothing, named in `x-meridian-ignored`. */
  readonly ignored: readonly string[]
  /** The encoder of the answer to this request; used for one answer only. */
  startAnswer(facts: AnswerFacts): AnswerEncoder
}

/** `none`: nothing to keep together. The text is hashed before it leaves the request. */
export type AffinityKey =
  | { readonly source: 'none' }
  | { readonly source: 'field' | 'messages'; readonly text: string }

/** What an answer says about itself, fixed when it begins. */
export interface AnswerFacts {
  /** `req_…`, the id that the client was told in `x-request-id`. */
  readonly requestId: string
  /** Whole seconds since 1970. */
  readonly createdS: number
  /**
   * The model as the client wrote it, where the region was given another spelling. Absent: nothing
   * is rewritten, because the model server repeats the name that it was asked for.
   */
  readonly answerModel?: string
}

/**
 * Turns what the region sends into the bytes that the client expects. Called in the order of the
 * frames: any number of `delta`, then one `done`. A streamed encoder returns bytes as they come; a
 * buffered one returns '' until `done`, which returns the whole body. Bytes that are not ''
 * commit the answer.
 */
export interface AnswerEncoder {
  readonly contentType: string
  /** Whether the client asked for a stream; false = one body with a content length. */
  readonly isStream: boolean
  /** Whole NDJSON lines of Ollama (for a kind that does not stream: any part of its one answer). */
  delta(lines: Buffer): Buffer | string
  /** Ollama's last line, and what ends the client's answer with it. */
  done(lastLine: Buffer): Buffer | string
  /** What says to the client that nothing is wrong while it waits; '' where the form has none. */
  heartbeat(phase: HeartbeatPhase): string
  /** The frame that ends a stream honestly after its headers have left. */
  failure(error: GatewayError): string
  /** Tokens so far as Ollama counted them; unknown until its last line, and maybe for ever. */
  readonly usage: { readonly inputTokens?: number; readonly outputTokens?: number }
  /** The counts are partly our guess, because the model server left some out. */
  readonly usageEstimated?: boolean
  /** The answer is complete before the model has ended: stop it, and call `done` with no bytes. */
  readonly wantsStop?: boolean
}

export type HeartbeatPhase = 'queued' | 'loading' | 'thinking' | 'alive'

/** Reads a request of one endpoint. @throws {GatewayError} naming the field at fault. */
export type ParseRequest = (body: unknown) => InnerRequest
