import type { IncomingMessage } from 'node:http'
import { workFailed } from './work-failed.ts'

/** How many bytes of bodies may be held at one time; how many are. */
export class BodyBudget {
  readonly bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes room for more bytes. False, and nothing taken, when there is not enough. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.bytesMax) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** A body that was read; it counts against the budget until it is released. */
export class Body {
  readonly bytes: Buffer
  readonly #budget: BodyBudget
  #isHeld = true

  constructor(bytes: Buffer, budget: BodyBudget) {
    this.bytes = bytes
    this.#budget = budget
  }

  /** May be called twice. */
  release(): void {
    if (this.#isHeld) this.#budget.give(this.bytes.length)
    this.#isHeld = false
  }
}

/**
 * Reads a request's body completely; half a body is never published.
 *
 * What is left unread after a failure is Node's to discard, so that the answer can be read.
 * @throws {WorkFailed} `too-large` over `bytesMax`; `overflow` when the budget is spent; `bad-call`
 * for no body; `cancelled` when the caller leaves before its end.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  budget: BodyBudget,
): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const fail = (error: Error): void => {
      request.off('data', take).off('end', finish).off('close', leave)
      budget.give(bytes)
      reject(error)
    }
    const take = (chunk: Buffer): void => {
      if (bytes + chunk.length > bytesMax) return fail(workFailed('too-large'))
      if (!budget.take(chunk.length)) return fail(workFailed('overflow'))
      bytes += chunk.length
      chunks.push(chunk)
    }
    const finish = (): void => {
      request.off('close', leave)
      if (bytes === 0) return fail(workFailed('bad-call', 'the body is empty'))
      const [first] = chunks
      const whole = chunks.length === 1 && first ? first : Buffer.concat(chunks, bytes)
      resolve(new Body(whole, budget))
    }
    const leave = (): void => fail(workFailed('cancelled'))
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) {
      return reject(workFailed('too-large'))
    }
    request.on('data', take).once('end', finish).once('close', leave)
  })
}
