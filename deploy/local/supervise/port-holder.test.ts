import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPortHolder, listeningInodes } from './port-holder.ts'
import { findFreePort } from './ports.ts'

// The first line of the real table names its columns.
const TABLE = `  sl  local_address rem_address   st tx_queue …
   0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1
   1: 0100007F:20FB 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4243 1
   2: 00000000:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1
`

test('the socket that listens on a port is told from its connections and from other ports', () => {
  assert.deepEqual(listeningInodes(TABLE, 8443), ['4242'])
  assert.deepEqual(listeningInodes(TABLE, 9090), ['4244'])
  assert.deepEqual(listeningInodes(TABLE, 80), [])
  assert.deepEqual(listeningInodes('', 8443), [])
})

test('a port that nobody listens on has no holder', async () => {
  assert.equal(await findPortHolder(await findFreePort()), undefined)
})
