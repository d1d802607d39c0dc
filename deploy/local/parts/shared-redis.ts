import { join } from 'node:path'
import type { LauncherConfig } from '../config.ts'
import { LaunchError } from '../launch-error.ts'
import type { Machine } from '../provide/machine.ts'
import { provideProgram } from '../provide/provide-program.ts'
import { redisServer } from '../provide/redis-server.ts'
import { findFreePort } from '../supervise/ports.ts'
import type { Processes } from '../supervise/processes.ts'
import type { SupervisedProcess } from '../supervise/supervised-process.ts'
import { type RedisAddresses, redisProcess } from './redis.ts'

/** The Redis of a run: one that was there, one that was started, or none and why. */
export type SharedRedis =
  | { readonly kind: 'found'; readonly url: string; readonly process?: undefined }
  | {
      readonly kind: 'started'
      readonly url: string
      readonly process: SupervisedProcess<RedisAddresses>
    }
  | { readonly kind: 'none'; readonly why: string }

/** Starts a Redis when one can be had. Never throws: everything works without, with less shared. */
export async function startRedis(
  config: LauncherConfig,
  machine: Machine,
  processes: Processes,
): Promise<SharedRedis> {
  if (config.redisUrl) return { kind: 'found', url: config.redisUrl }
  try {
    const { path } = await provideProgram(redisServer, machine)
    const process = processes.add(
      'ground',
      redisProcess({
        program: path,
        folder: join(config.runtimeDir, 'redis'),
        port: await findFreePort(),
        environment: config.environment,
      }),
    )
    const { url } = await process.start()
    return { kind: 'started', url, process }
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error
    const [why = ''] = error.message.split('\n')
    return { kind: 'none', why }
  }
}
