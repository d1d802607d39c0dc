import type { AlivePayload, Frame } from '#wire/frames.ts'
import type { AnswerEncoder, HeartbeatPhase } from '../dialects/dialect.ts'
import type { GatewayError } from '../errors.ts'
import type { ClientStream } from './client-stream.ts'

export interface AnswerWriterOptions {
  readonly stream: ClientStream
  readonly heartbeatEveryMs: number
  /** What an encoder of this request is: known before there is one. */
  readonly isStream: boolean
  /** Headers of the answer besides those of its form, read when they are sent. */
  readonly headers: () => Readonly<Record<string, string | number>>
  readonly onCommit: () => void
}

const STREAM_HEADERS = {
  // Proxies in between must neither hold back nor rewrite what is meant to be read at once.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/**
 * Writes one answer downstream. Status and headers are held back until the first content, so that
 * every failure before it is a real HTTP status; after 10 s of waiting a stream's headers leave
 * with a heartbeat instead. *Committed* is only the first content byte.
 */
export class AnswerWriter {
  readonly #options: AnswerWriterOptions
  readonly #heartbeat: NodeJS.Timeout
  #encoder: AnswerEncoder
  #phase: HeartbeatPhase = 'queued'
  #isCommitted = false
  #isFinished = false

  constructor(options: AnswerWriterOptions, encoder: AnswerEncoder) {
    this.#options = options
    this.#encoder = encoder
    this.#heartbeat = setTimeout(() => this.#beat(), options.heartbeatEveryMs)
  }

  get isCommitted(): boolean {
    return this.#isCommitted
  }

  /** Everything has been written. */
  get isFinished(): boolean {
    return this.#isFinished
  }

  get encoder(): AnswerEncoder {
    return this.#encoder
  }

  /** Starts anew with a fresh encoder: what an abandoned attempt left behind is forgotten. */
  restart(encoder: AnswerEncoder): void {
    this.#encoder = encoder
    this.#phase = 'queued'
  }

  /**
   * Takes a frame. Returns false when the client does not keep up. @throws {GatewayError} when the
   * payload is not what a model server says.
   */
  onFrame(frame: Frame): boolean {
    if (frame.type === 'delta') {
      const keepsUp = this.#write(this.#encoder.delta(frame.payload))
      if (this.#encoder.wantsStop) this.#finish(this.#encoder.done(Buffer.alloc(0)))
      return keepsUp
    }
    if (frame.type === 'alive') this.#phase = heartbeatPhaseOf(frame)
    if (frame.type === 'done') this.#finish(this.#encoder.done(frame.payload))
    return true
  }

  /** Ends a stream whose headers have left, without letting it pass for a whole answer. */
  fail(error: GatewayError): void {
    clearTimeout(this.#heartbeat)
    this.#options.stream.breakOff(this.#encoder.failure(error))
  }

  /** Stops the heartbeats of an answer that will not be written. May be called twice. */
  close(): void {
    clearTimeout(this.#heartbeat)
  }

  #write(bytes: Buffer | string): boolean {
    if (bytes.length === 0) return true
    this.#commit()
    this.#heartbeat.refresh()
    return this.#options.stream.write(bytes)
  }

  #finish(bytes: Buffer | string): void {
    clearTimeout(this.#heartbeat)
    this.#isFinished = true
    const { stream, isStream } = this.#options
    if (isStream) this.#commit()
    else this.#commitBody(bytes)
    stream.end(bytes)
  }

  #commit(): void {
    if (this.#isCommitted) return
    this.#isCommitted = true
    this.#options.onCommit()
    this.#sendStreamHeaders()
  }

  #commitBody(bytes: Buffer | string): void {
    this.#isCommitted = true
    this.#options.onCommit()
    this.#options.stream.start(200, {
      ...this.#options.headers(),
      'content-type': this.#encoder.contentType,
      'content-length': Buffer.byteLength(bytes),
      ...(this.#encoder.usageEstimated ? { 'x-meridian-usage': 'estimated' } : {}),
    })
  }

  #sendStreamHeaders(): void {
    const { stream, headers } = this.#options
    if (stream.headersSent) return
    const contentType = this.#encoder.contentType
    stream.start(200, { ...headers(), 'content-type': contentType, ...STREAM_HEADERS })
  }

  #beat(): void {
    const { stream, isStream } = this.#options
    if (!isStream || stream.isGone) return
    const bytes = this.#encoder.heartbeat(this.#phase)
    if (bytes !== '') {
      this.#sendStreamHeaders()
      stream.write(bytes)
    }
    this.#heartbeat.refresh()
  }
}

function heartbeatPhaseOf(frame: Frame): HeartbeatPhase {
  try {
    const { phase } = JSON.parse(frame.payload.toString()) as Partial<AlivePayload>
    return phase === 'loading' ? 'loading' : phase === 'prefill' ? 'thinking' : 'alive'
  } catch {
    return 'alive'
  }
}
