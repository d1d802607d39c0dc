// What the stand-in's own tests ask it with: plain requests, and raw sockets where bytes matter.

import { connect, type Socket } from 'node:net'

/** Any object of an answer; which keys are there depends on the route. */
export interface AnswerObject {
  readonly model?: string
  readonly created_at?: string
  readonly message?: {
    readonly role: string
    readonly content: string
    readonly thinking?: string
    readonly tool_calls?: readonly {
      readonly id: string
      readonly function: { readonly index: number; readonly name: string; arguments: unknown }
    }[]
  }
  readonly response?: string
  readonly thinking?: string
  readonly done?: boolean
  readonly done_reason?: string
  readonly error?: string
  readonly context?: readonly number[]
  readonly total_duration?: number
  readonly load_duration?: number
  readonly prompt_eval_count?: number
  readonly prompt_eval_duration?: number
  readonly eval_count?: number
  readonly eval_duration?: number
  readonly logprobs?: readonly { readonly token: string; readonly top_logprobs?: unknown[] }[]
  readonly embeddings?: readonly (readonly number[])[]
  readonly embedding?: readonly number[]
  readonly version?: string
  readonly models?: readonly { readonly name: string; readonly expires_at?: string }[]
  readonly capabilities?: readonly string[]
  readonly _debug_info?: { readonly rendered_template: string; readonly image_count?: number }
}

/** A whole answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Every line that is JSON; the others are only in `text`. */
  readonly objects: readonly AnswerObject[]
  readonly last: AnswerObject
  /** All content, or the whole `response`, put together. */
  readonly content: string
  readonly thinking: string
}

/** The first model of every stand-in that was not told otherwise; it does not think. */
export const MODEL = 'smollm2:135m'

/** Asks and reads the whole answer. Rejects when the connection breaks. */
export async function ask(
  url: string,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const sent = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, { method: 'POST', body: sent, headers })
  const text = await response.text()
  const objects = text.split('\n').flatMap(decodeLine)
  const told = objects.map((object) => object.message?.content ?? object.response ?? '')
  const thought = objects.map((object) => object.message?.thinking ?? object.thinking ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    objects,
    last: objects.at(-1) ?? {},
    content: told.join(''),
    thinking: thought.join(''),
  }
}

/** Reads what a GET answers with. */
export async function read(url: string): Promise<AnswerObject> {
  const [object = {}] = decodeLine(await (await fetch(url)).text())
  return object
}

/** Asks `/api/chat` with one message of the user; `extra` is put into the request. */
export function chat(url: string, content: string, extra: object = {}): Promise<Answer> {
  const messages = [{ role: 'user', content }]
  return ask(`${url}/api/chat`, { model: MODEL, messages, ...extra })
}

/** Asks `/api/generate`; `extra` is put into the request. */
export function generate(url: string, prompt: string, extra: object = {}): Promise<Answer> {
  return ask(`${url}/api/generate`, { model: MODEL, prompt, ...extra })
}

/** Tells the words `from` to `upTo` as the stand-in says them in one breath. */
export function plainWords(from: number, upTo: number): string {
  const words = Array.from({ length: upTo - from + 1 }, (_, at) => ` w${from + at}`).join('')
  return from === 1 ? words.trimStart() : words
}

/** What a raw connection has brought, and how it ended. */
export interface RawAnswer {
  readonly chunks: readonly Buffer[]
  readonly text: string
  readonly end: 'fin' | 'reset'
}

/** Sends one chat over a socket of its own and keeps what comes as it comes. */
export function rawChat(url: string, body: object): Promise<RawAnswer> {
  const socket = openChat(url, body)
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    const done = (end: 'fin' | 'reset'): void => {
      socket.destroy()
      resolve({ chunks, text: Buffer.concat(chunks).toString(), end })
    }
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => done('fin'))
    socket.on('error', () => done('reset'))
  })
}

/** Sends one chat and leaves the socket to the caller. */
export function openChat(url: string, body: object): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const json = JSON.stringify({ model: MODEL, ...body })
  const length = Buffer.byteLength(json)
  socket.write(`POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n`)
  socket.write(`connection: close\r\n\r\n${json}`)
  return socket
}

function decodeLine(line: string): readonly AnswerObject[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as AnswerObject]
  } catch {
    return []
  }
}
