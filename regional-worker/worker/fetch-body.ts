import {
  type BodyPlace,
  encodePartRequest,
  PART_TIMEOUT_MS,
  PARTS_AT_ONCE_MAX,
} from '#wire/large-body.ts'
import { workerInboxPrefix } from '#wire/subjects.ts'
import type { Nats, NatsMessage } from '../nats-connection.ts'

export type FetchedBody =
  | { readonly kind: 'body'; readonly body: Buffer }
  /** The attempt has ended: nobody waits for its answer. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'timed-out' }

export interface BodyFetcher {
  /** Puts the body of a message together. `token` is the message's own and names the answers. */
  fetch(message: NatsMessage, place: FetchablePlace, token: string): Promise<FetchedBody>
  /** Ends the subscription; what is still being fetched times out. */
  close(): void
}

export type FetchablePlace = Exclude<BodyPlace, { kind: 'problem' }>

type Part = FetchedBody

/** Makes a fetcher with one subscription for the worker's life. Whoever calls closes. */
export function startBodyFetcher(
  nats: Pick<Nats, 'publish' | 'subscribe'>,
  workerId: string,
): BodyFetcher {
  const inbox = `${workerInboxPrefix(workerId)}.body`
  const waiting = new Map<string, (part: Part) => void>()
  const unsubscribe = nats.subscribe(`${inbox}.*`, (message) => {
    // No answer bytes, or nobody to answer (a status, which has none either): the body is gone.
    const body = bufferOf(message.data)
    waiting.get(message.subject)?.(body.length > 0 ? { kind: 'body', body } : { kind: 'gone' })
  })

  const fetchPart = (subject: string, token: string, index: number): Promise<Part> => {
    const reply = `${inbox}.${token}-${index}`
    const { promise, resolve } = Promise.withResolvers<Part>()
    const timer = setTimeout(() => resolve({ kind: 'timed-out' }), PART_TIMEOUT_MS)
    waiting.set(reply, resolve)
    nats.publish(subject, encodePartRequest(index), { reply })
    return promise.finally(() => {
      clearTimeout(timer)
      waiting.delete(reply)
    })
  }

  return {
    fetch: async (message, place, token) => {
      if (place.kind === 'inline') return { kind: 'body', body: bufferOf(message.data) }
      const { parts, subject } = place
      const bodies: Buffer[] = []
      for (let from = 0; from < parts; from += PARTS_AT_ONCE_MAX) {
        const count = Math.min(PARTS_AT_ONCE_MAX, parts - from)
        const indexes = Array.from({ length: count }, (_, at) => from + at)
        const answers = await Promise.all(indexes.map((at) => fetchPart(subject, token, at)))
        for (const answer of answers) {
          if (answer.kind !== 'body') return answer
          bodies.push(answer.body)
        }
      }
      return { kind: 'body', body: Buffer.concat(bodies) }
    },
    close: unsubscribe,
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
