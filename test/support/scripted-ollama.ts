// A server that speaks as much of Ollama's HTTP as a worker asks for, and answers each call as the
// test says, byte by byte: for what the stand-in would never do.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = (call: ScriptedCall) => void | Promise<void>

export interface ScriptedOllamaOptions {
  readonly models?: readonly string[]
  /** Those of `/api/ps`; all of them unless said. */
  readonly loaded?: readonly string[]
  readonly version?: string
  readonly port?: number
}

export interface ScriptedOllama {
  readonly url: string
  readonly port: number
  /** Calls for an answer, in the order of their arrival, without questions about models. */
  readonly calls: readonly ScriptedCall[]
  /** Paths of everything that was asked, questions about models included. */
  readonly asked: readonly string[]
  /** May be changed at any time; changes what is answered from then on. */
  models: readonly string[]
  answer: Answer
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** One call, as it came, and the means to answer it. */
export class ScriptedCall {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** Resolves when the connection is gone or the answer is through. */
  readonly closed: Promise<void>
  isClosed = false
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, body: Buffer, response: ServerResponse) {
    this.path = request.url ?? ''
    this.headers = request.headers
    this.body = body
    this.#response = response
    this.closed = once(response, 'close').then(() => {
      this.isClosed = true
    })
  }

  /** Begins a stream, if that has not happened yet, and writes bytes or one line of JSON. */
  write(what: string | Buffer | object): boolean {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    }
    const isRaw = typeof what === 'string' || Buffer.isBuffer(what)
    return this.#response.write(isRaw ? what : `${JSON.stringify(what)}\n`)
  }

  /** Writes one token as Ollama does. */
  say(text: string): boolean {
    return this.write({ model: 'm', message: { role: 'assistant', content: text }, done: false })
  }

  /** Writes the last line, with counters, and ends. */
  done(
    counters: object = { prompt_eval_count: 3, prompt_eval_duration: 3e6, eval_count: 2 },
  ): void {
    this.write({ model: 'm', message: { content: '' }, done: true, ...counters })
    this.end()
  }

  end(): void {
    this.#response.end()
  }

  /** Answers with a status and a body instead of a stream. */
  status(code: number, body: string | object): void {
    this.#response.writeHead(code, { 'content-type': 'application/json' })
    this.#response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  /** Sends a reset instead of anything more. */
  reset(): void {
    this.#response.socket?.resetAndDestroy()
  }

  /** Resolves when what was written has gone on its way. */
  async drained(): Promise<void> {
    if (this.#response.writableNeedDrain) await once(this.#response, 'drain')
  }
}

/** Starts it on a free port. `answer` is called with each call. */
export async function startScriptedOllama(
  answer: Answer,
  options: ScriptedOllamaOptions = {},
): Promise<ScriptedOllama> {
  const calls: ScriptedCall[] = []
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const facts = factsOf(request.url ?? '', ollama.models, options)
    if (facts !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(facts))
      return
    }
    void read(request).then((body) => {
      const call = new ScriptedCall(request, body, response)
      calls.push(call)
      return ollama.answer(call)
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> => closeServer(server)
  const ollama: ScriptedOllama = {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    asked,
    models: options.models ?? ['m:latest'],
    answer,
    close,
    [Symbol.asyncDispose]: close,
  }
  return ollama
}

function factsOf(
  path: string,
  models: readonly string[],
  { loaded, version }: ScriptedOllamaOptions,
): object | undefined {
  if (path === '/api/version') return { version: version ?? '0.13.5' }
  if (path === '/api/tags')
    return { models: models.map((name) => ({ name, digest: 'd1', size: 1 })) }
  if (path === '/api/ps') return { models: (loaded ?? models).map((name) => ({ name })) }
  return undefined
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
