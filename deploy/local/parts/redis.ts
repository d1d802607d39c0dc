import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Environment } from '../config.ts'
import { pollUntil } from '../supervise/poll.ts'
import type { ProcessSpec } from '../supervise/supervised-process.ts'

export interface RedisAddresses {
  readonly url: string
}

const PING_TIMEOUT_MS = 1_000
const LISTEN = { timeoutMs: 60_000, everyMs: 20 } as const

/**
 * Describes a redis-server on a port of loopback that the caller has found free (its own port 0
 * means no port at all). It keeps nothing over a restart: what the gateways share is short-lived.
 */
export function redisProcess(part: {
  program: string
  folder: string
  port: number
  environment: Environment
}): ProcessSpec<RedisAddresses> {
  const settings = {
    bind: '127.0.0.1',
    port: String(part.port),
    dir: part.folder,
    save: '',
    appendonly: 'no',
    maxmemory: '128mb',
    'maxmemory-policy': 'noeviction',
  }
  return {
    name: 'redis',
    command: () => {
      mkdirSync(part.folder, { recursive: true })
      const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
      return { program: part.program, args, environment: part.environment }
    },
    findAddresses: async (run) => {
      const ask = async () => (await answersPing(part.port)) || undefined
      const up = await pollUntil(ask, { ...LISTEN, signal: run.over })
      return up && { url: `redis://127.0.0.1:${part.port}` }
    },
    isReady: () => answersPing(part.port),
  }
}

/** Tells whether a Redis answers PING at a port of loopback within a second. */
export function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const settle = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(PING_TIMEOUT_MS, () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('data', (data) => settle(data.toString('latin1').startsWith('+PONG')))
    socket.once('close', () => settle(false))
    socket.write('PING\r\n')
  })
}
