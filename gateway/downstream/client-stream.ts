import type { ServerResponse } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'

/** The response object of either protocol, as Fastify's `reply.raw` gives it. */
export type RawResponse = ServerResponse | Http2ServerResponse

/**
 * The client's side of one answer: writes with back-pressure, notices that the client has gone or
 * takes nothing any more, and can end badly so that no client takes a stump for the whole.
 */
export class ClientStream {
  readonly #raw: RawResponse
  readonly #readerTimeoutMs: number
  #onGone: (() => void) | undefined
  #onDrain: (() => void) | undefined
  #isGone: boolean
  #isEnded = false
  bytesOut = 0

  constructor(raw: RawResponse, readerTimeoutMs: number) {
    this.#raw = raw
    this.#readerTimeoutMs = readerTimeoutMs
    // A client may have gone already while its request was read: then no event will say so.
    this.#isGone = raw instanceof Http2ServerResponse ? raw.stream.destroyed : raw.destroyed
    raw.on('close', () => this.#closed())
    raw.on('drain', () => this.#drained())
    raw.on('timeout', () => this.destroy())
    // A write may meet a connection that has just gone: 'close' follows and says so.
    raw.on('error', () => undefined)
  }

  /** The client closed before the answer had ended. */
  get isGone(): boolean {
    return this.#isGone
  }

  get headersSent(): boolean {
    return this.#raw.headersSent
  }

  /** Calls `handle` once when the client goes before the end; at once if it has gone already. */
  onGone(handle: () => void): void {
    this.#onGone = handle
    if (this.#isGone) handle()
  }

  /** Calls `handle` each time that the client has taken what `write` said was too much. */
  onDrain(handle: () => void): void {
    this.#onDrain = handle
  }

  start(status: number, headers: Readonly<Record<string, string | number>>): void {
    // Both protocols take the same call; their overloads share no common signature.
    if (!this.#isGone) (this.#raw as ServerResponse).writeHead(status, headers)
  }

  /** Returns false when the client does not keep up: wait for `onDrain` before the next write. */
  write(bytes: Buffer | string): boolean {
    if (this.#isGone || this.#isEnded) return true
    this.bytesOut += typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
    const keepsUp = (this.#raw as ServerResponse).write(bytes)
    if (!keepsUp) this.#watchReader()
    return keepsUp
  }

  end(bytes: Buffer | string = ''): void {
    if (this.#isGone || this.#isEnded) return
    this.#isEnded = true
    this.bytesOut += typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
    this.#watchReader()
    if (bytes.length === 0) this.#raw.end()
    else (this.#raw as ServerResponse).end(bytes)
  }

  /**
   * Sends `lastBytes` and then cuts the stream: HTTP/1.1 without its last chunk, HTTP/2 by a reset
   * of this stream alone. The cut waits for the flush, or the bytes would be lost with the socket.
   */
  breakOff(lastBytes: string): void {
    if (this.#isGone || this.#isEnded) return
    this.#isEnded = true
    this.bytesOut += Buffer.byteLength(lastBytes)
    this.#watchReader()
    ;(this.#raw as ServerResponse).write(lastBytes, () => this.destroy())
  }

  destroy(): void {
    if (this.#raw instanceof Http2ServerResponse) {
      this.#raw.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
    } else this.#raw.destroy()
  }

  /**
   * Limits how long the client may take nothing. Node's own timer is used, because it alone knows
   * of progress within one long write; it is off while nothing waits for the client.
   */
  #watchReader(): void {
    this.#raw.setTimeout(this.#readerTimeoutMs)
  }

  #closed(): void {
    if (this.#isEnded || this.#isGone) return
    this.#isGone = true
    this.#onGone?.()
  }

  #drained(): void {
    // An answer that has ended is watched until all of it has left.
    if (!this.#isEnded) this.#raw.setTimeout(0)
    this.#onDrain?.()
  }
}
