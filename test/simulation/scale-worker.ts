// What one thread does for `report.ts`: the variants with its numbers.

import { parentPort, workerData } from 'node:worker_threads'
import { FULL_SIZE, playVariant, VARIANTS } from './scale-variants.ts'

const variant = VARIANTS[workerData]
if (variant === undefined) throw new RangeError(`no variant ${workerData}`)
parentPort?.postMessage(playVariant(variant, FULL_SIZE))
