// What one thread does for `play-seeds.ts`.

import { parentPort, workerData } from 'node:worker_threads'
import { playRange } from './play-seeds.ts'

parentPort?.postMessage(playRange(workerData))
