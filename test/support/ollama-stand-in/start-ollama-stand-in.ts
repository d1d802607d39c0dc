import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { StandInParts } from './call.ts'
import { FaultRules } from './fault-rules.ts'
import { BEHAVIOUR_DEFAULTS } from './faults.ts'
import { Gate } from './gate.ts'
import { CONTROL_PREFIX, handleControl } from './handle-control.ts'
import { handleRequest } from './handle-request.ts'
import { SERVER_NAME } from './http-answers.ts'
import { LoadedModels } from './loaded-models.ts'
import { catalogOf } from './model-catalog.ts'
import { RequestLog } from './request-log.ts'
import { Slots } from './slots.ts'
import { controlOf, type Listener, type StandInControl } from './stand-in-control.ts'
import type { StandInOptions } from './stand-in-options.ts'

/** A stand-in that listens; whoever started it closes it. */
export interface OllamaStandIn extends AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string
  /** Where it is controlled: the second door if there is one, else `url`. */
  readonly controlUrl: string
  readonly control: StandInControl
  /** Ends every connection and with it every generation; may be called twice. */
  close(): Promise<void>
}

const SLOTS = 2
const WAITING_MAX = 512

/**
 * Starts a server that speaks Ollama's HTTP API with numbered words; see the README.
 *
 * Rejects when the port is taken.
 */
export async function startOllamaStandIn(options: StandInOptions = {}): Promise<OllamaStandIn> {
  const { host = '127.0.0.1' } = options
  const parts = partsFor(options)
  const server = serverFor((req, res) => {
    // Both reject only for a bug, which so ends the process.
    if (req.url?.startsWith(CONTROL_PREFIX)) void handleControl(req, res, control, 'shared')
    else void handleRequest(req, res, parts)
  })
  const door = await openDoor(server, options.port ?? 0, host)
  const control = controlOf(parts, door)
  const doors = [door]
  if (options.controlPort !== undefined) {
    const controlServer = serverFor((req, res) => void handleControl(req, res, control, 'own'))
    doors.push(await openDoor(controlServer, options.controlPort, host))
  }
  const close = async (): Promise<void> => {
    await Promise.all(doors.map((one) => one.close()))
  }
  return {
    url: door.url,
    controlUrl: doors.at(-1)?.url ?? door.url,
    control,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function partsFor(options: StandInOptions): StandInParts {
  const { tokenDelayMs, prefillDelayMs, loadDelayMs, tokens, flushEachToken } = options
  const log = new RequestLog()
  const { slots = SLOTS, waitingMax = WAITING_MAX } = options
  return {
    catalog: catalogOf(options.models ?? ['smollm2:135m', 'qwen3']),
    loaded: new LoadedModels(),
    slots: new Slots(slots, waitingMax, () => log.changed()),
    gate: new Gate(),
    rules: new FaultRules(),
    log,
    defaults: {
      ...BEHAVIOUR_DEFAULTS,
      ...(tokenDelayMs === undefined ? {} : { tokenDelayMs }),
      ...(prefillDelayMs === undefined ? {} : { prefillDelayMs }),
      ...(loadDelayMs === undefined ? {} : { loadDelayMs }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(flushEachToken === undefined ? {} : { flushEachToken }),
    },
  }
}

function serverFor(answer: (req: IncomingMessage, res: ServerResponse) => void): Server {
  return createServer(
    {
      keepAliveTimeout: 0, // Ollama keeps idle connections for ever; a limit would race with reuse.
      requestTimeout: 0,
      headersTimeout: 60_000,
      noDelay: true,
    },
    (req, res) => {
      res.setHeader('server', SERVER_NAME)
      answer(req, res)
    },
  )
}

interface Door extends Listener {
  readonly url: string
}

async function openDoor(server: Server, wantedPort: number, host: string): Promise<Door> {
  let port = wantedPort
  const open = async (): Promise<void> => {
    server.listen(port, host)
    await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) port = address.port
  }
  await open()
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    get isOpen() {
      return server.listening
    },
    open,
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
