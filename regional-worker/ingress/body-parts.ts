import { BODY_PART_BYTES, bodyPartsOf, decodePartRequest } from '#wire/large-body.ts'
import type { Nats, NatsMessage } from '../nats-connection.ts'

const NOTHING = Buffer.alloc(0)
/** Longer than any index: nothing else is decoded. */
const REQUEST_BYTES_MAX = 3

/**
 * Answers a worker that asks for one part of a body; `undefined` is a body that is gone, and is
 * answered by no bytes, as is a part that the body does not have.
 *
 * The reply subject must be a worker's inbox: this process may publish work and commands, and must
 * not do so for a worker that names such a subject as its reply.
 */
export function answerPartRequest(
  nats: Nats,
  { reply, data }: NatsMessage,
  body: Buffer | undefined,
): void {
  if (!reply.startsWith('_INBOX.worker.') || data.length > REQUEST_BYTES_MAX) return
  const parts = bodyPartsOf(body?.length ?? 0)
  const index = decodePartRequest(Buffer.from(data).toString('latin1'), parts)
  if (body === undefined || index === undefined) return void nats.publish(reply, NOTHING)
  const from = index * BODY_PART_BYTES
  nats.publish(reply, body.subarray(from, from + BODY_PART_BYTES))
}
