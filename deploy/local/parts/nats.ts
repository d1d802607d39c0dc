import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../config.ts'
import { answersOk, pollUntil } from '../supervise/poll.ts'
import type { ProcessSpec } from '../supervise/supervised-process.ts'
import { portOf } from './listening-line.ts'
import { decodePortsFile, natsConfig } from './nats-config.ts'

export interface NatsAddresses {
  readonly url: string
  readonly monitorUrl: string
}

/** The process looks every 20 ms; how long is for whoever started it to say. */
const PORTS_FILE = { timeoutMs: 60_000, everyMs: 20 } as const

/** Describes a region's nats-server, whose files lie in `folder`. */
export function natsProcess(part: {
  regionId: string
  program: string
  folder: string
  environment: Environment
}): ProcessSpec<NatsAddresses> {
  const configFile = join(part.folder, 'nats-server.conf')
  const portsDir = join(part.folder, 'ports')
  return {
    name: `${part.regionId}-nats`,
    command: (known) => {
      // What a killed one has left would name old ports, perhaps even under the new one's id.
      rmSync(portsDir, { recursive: true, force: true })
      mkdirSync(portsDir, { recursive: true })
      const settings = {
        regionId: part.regionId,
        storeDir: join(part.folder, 'store'),
        portsDir,
        port: known === undefined ? -1 : portOf(known.url),
        monitorPort: known === undefined ? -1 : portOf(known.monitorUrl),
      }
      writeFileSync(configFile, natsConfig(settings))
      return { program: part.program, args: ['-c', configFile], environment: part.environment }
    },
    findAddresses: (run) => {
      const portsFile = join(portsDir, `nats-server_${run.pid}.ports`)
      const read = async () => decodePortsFile(await readFile(portsFile, 'utf8').catch(() => ''))
      return pollUntil(read, { ...PORTS_FILE, signal: run.over })
    },
    isReady: ({ monitorUrl }) => answersOk(`${monitorUrl}/healthz`),
  }
}
