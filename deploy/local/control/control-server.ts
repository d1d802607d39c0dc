// The launcher's own listener, a Unix socket that only its user can open. It is also the lock of a
// runtime folder: who cannot listen on it, because somebody answers there, must not start.

import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isRegionAction, type RegionAction } from '../config.ts'
import { LaunchError } from '../launch-error.ts'
import { askLauncher } from './control-client.ts'

/** Of sockaddr_un, less its closing zero, on macOS; Linux has four more. */
const SOCKET_PATH_BYTES_MAX = 103
const PATH = /^\/regions\/([^/]+)\/([^/]+)$/

/** What can be done to a region. */
export interface Controllable {
  readonly id: string
  act(action: RegionAction): Promise<void>
  statuses(): readonly { name: string; status: string; pid: number | undefined }[]
}

/** Listens for commands; `regions` is empty until there is something to command. */
export class ControlServer implements AsyncDisposable {
  regions: readonly Controllable[] = []
  readonly #server = createServer((request, response) => {
    this.#answer(request).then(
      ({ status, body }) => reply(response, status, body),
      (error: unknown) => reply(response, 500, { error: String(error) }),
    )
  })

  private constructor() {}

  /** @throws {LaunchError} when a launcher answers at that path already, or it is too long. */
  static async listen(path: string): Promise<ControlServer> {
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      throw new LaunchError(`${path} is too long for a Unix socket`, {
        remedy: 'npm start -- --runtime=<a shorter path>',
      })
    }
    const control = new ControlServer()
    if (await control.#tryListen(path)) return control
    const other = await askLauncher(path, 'GET', '/').catch(() => undefined)
    if (other !== undefined) {
      throw new LaunchError(`a launcher runs already with ${path} (process ${other.pid})`, {
        remedy: `kill ${other.pid}`,
      })
    }
    await rm(path, { force: true }) // Its owner was killed.
    if (await control.#tryListen(path)) return control
    throw new LaunchError(`another launcher has just taken ${path}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve)) // Also removes the socket file.
  }

  async #tryListen(path: string): Promise<boolean> {
    const outcome = await new Promise<'listening' | NodeJS.ErrnoException>((resolve) => {
      this.#server.once('error', resolve)
      this.#server.listen(path, () => resolve('listening'))
    })
    this.#server.removeAllListeners('error')
    if (outcome === 'listening') {
      await chmod(path, 0o600)
      return true
    }
    if (outcome.code === 'EADDRINUSE') return false
    throw new LaunchError(`cannot listen on ${path} (${outcome.code})`, { cause: outcome })
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    if (request.url === '/') return { status: 200, body: { pid: process.pid } }
    const [, id, action] = PATH.exec(request.url ?? '') ?? []
    if (request.method !== 'POST' || !isRegionAction(action)) {
      return { status: 404, body: { error: 'no such command' } }
    }
    const region = this.regions.find((candidate) => candidate.id === id)
    if (region === undefined) {
      const known = this.regions.map((candidate) => candidate.id).join(', ')
      const error =
        known === '' ? 'the launcher is still starting' : `no region ${id}, but ${known}`
      return { status: 404, body: { error } }
    }
    try {
      await region.act(action)
      return { status: 200, body: { processes: region.statuses() } }
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error)
      return { status: 503, body: { error: said } }
    }
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
