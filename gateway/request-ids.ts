import { randomBytes } from 'node:crypto'

/**
 * Makes ids `req_<gateway>_<24 hex>`: any gateway knows from an id who keeps its record, and 96
 * random bits cannot be guessed. Bytes are drawn for 128 ids at once, which costs a third of
 * drawing them one by one.
 */
export function requestIds(gatewayId: string): () => string {
  const BYTES = 12
  let pool = Buffer.alloc(0)
  let next = 0
  return () => {
    if (next >= pool.length) {
      pool = randomBytes(BYTES * 128)
      next = 0
    }
    const id = pool.toString('hex', next, next + BYTES)
    next += BYTES
    return `req_${gatewayId}_${id}`
  }
}
