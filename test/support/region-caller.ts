// Calls an ingress as a gateway does, over mutual TLS, and keeps everything that comes back.

import { once } from 'node:events'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { decodeRegionFailure, type RegionFailure } from '#wire/error-codes.ts'
import { type Frame, type FrameFault, FrameReader } from '#wire/frames.ts'
import { decodeLoadReport, type LoadReport } from '#wire/load-report.ts'
import {
  encodeWorkHead,
  FRAMES_TYPE,
  HEALTH_PATH,
  MODELS_PATH,
  WORK_PATH,
  type WorkHead,
} from '#wire/region-api.ts'

export interface CallerOptions {
  readonly url: string
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

export interface TextAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What one `POST /work` came to. */
export interface WorkAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly frames: readonly Frame[]
  /** Why the bytes are no stream of frames, if they are none. */
  readonly fault: FrameFault | undefined
  /** Whether the connection was cut before the answer's end. */
  readonly isCut: boolean
  /** Of an answer that is no 200, or of the last frame when it is `failed`. */
  readonly failure: RegionFailure | undefined
}

/** One `POST /work` under way. */
export interface WorkCall {
  /** How often a 102 has come. */
  readonly interims: number
  readonly frames: readonly Frame[]
  /** Of the final headers; `undefined` until they come. */
  readonly status: number | undefined
  /** The request itself, for a test that sends half a body. */
  readonly request: ClientRequest
  /** Takes no further bytes, as a reader that is behind. */
  stopReading(): void
  readOn(): void
  /** Cuts the connection. */
  leave(): void
  /** Waits for the end, good or bad. @throws {Error} when the connection ends before headers. */
  end(): Promise<WorkAnswer>
}

export interface RegionCaller extends Disposable {
  /** Sends work; an absent body is `{}`, and `null` leaves it to the test to write and end it. */
  work(head?: Partial<WorkHead>, body?: string | Buffer | null): WorkCall
  report(): Promise<LoadReport>
  models(): Promise<{ models: readonly Record<string, unknown>[] }>
  /** Any request, with exactly these headers. */
  send(
    method: string,
    path: string,
    headers?: readonly string[],
    body?: string,
  ): Promise<TextAnswer>
}

let requests = 0

/** A head that an ingress accepts, for another request at each call. */
export function workHead(fields: Partial<WorkHead> = {}): WorkHead {
  requests += 1
  return {
    requestId: `req_test_${requests.toString(16).padStart(24, '0')}`,
    attempt: 1,
    kind: 'chat',
    model: 'qwen3',
    deadlineMs: 60_000,
    queueDeadlineMs: 30_000,
    priority: 'standard',
    hop: 0,
    ...fields,
  }
}

/** Opens connections as they are needed. Whoever makes it disposes of it. */
export function callRegion(options: CallerOptions): RegionCaller {
  const { url, ca, cert, key } = options
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1_000,
    ca,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    checkServerIdentity: () => undefined, // The name of a host says nothing on an inner link.
  })
  const open = (method: string, path: string, headers: readonly string[]): ClientRequest =>
    request(`${url}${path}`, { method, agent, headers: ['host', 'ingress', ...headers] })
  const send: RegionCaller['send'] = async (method, path, headers = [], body = '') => {
    const sent = open(method, path, headers)
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: await textOf(response),
    }
  }
  return {
    send,
    work(head, body = '{}') {
      const size = body === null ? [] : ['content-length', String(Buffer.byteLength(body))]
      const sent = open('POST', WORK_PATH, [...encodeWorkHead(workHead(head)), ...size])
      if (body !== null) sent.end(body)
      return followWork(sent)
    },
    async report() {
      const { text } = await send('GET', `${HEALTH_PATH}?nonce=0123abcd`)
      const decoded = decodeLoadReport(text)
      if (decoded.kind === 'problem') throw new Error(`the report is wrong at ${decoded.path}`)
      return decoded.report
    },
    models: async () => JSON.parse((await send('GET', MODELS_PATH)).text),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function followWork(sent: ClientRequest): WorkCall {
  const reader = new FrameReader()
  const frames: Frame[] = []
  const texts: Buffer[] = []
  let interims = 0
  let fault: FrameFault | undefined
  let response: IncomingMessage | undefined
  const { promise, resolve, reject } = Promise.withResolvers<WorkAnswer>()
  promise.catch(() => {}) // A test that leaves does not ask for the end.
  sent.on('information', () => {
    interims += 1
  })
  sent.once('error', reject)
  sent.once('response', (answer: IncomingMessage) => {
    response = answer
    const isFrames = answer.headers['content-type'] === FRAMES_TYPE
    answer.on('data', (chunk: Buffer) => {
      if (!isFrames) return void texts.push(chunk)
      if (fault !== undefined) return
      const read = reader.push(chunk)
      frames.push(...read.frames)
      fault = read.fault
    })
    answer.on('error', () => {}) // The cut shows in `complete`.
    answer.once('close', () => {
      const { statusCode: status = 0, headers, complete } = answer
      const failure = isFrames
        ? failureOf(frames)
        : decodeRegionFailure(Buffer.concat(texts).toString())
      resolve({ status, headers, frames, fault, isCut: !complete, failure })
    })
  })
  return {
    get interims() {
      return interims
    },
    frames,
    get status() {
      return response?.statusCode
    },
    request: sent,
    stopReading: () => void response?.pause(),
    readOn: () => void response?.resume(),
    leave: () => void sent.destroy(),
    end: () => promise,
  }
}

function failureOf(frames: readonly Frame[]): RegionFailure | undefined {
  const last = frames.at(-1)
  return last?.type === 'failed' ? decodeRegionFailure(last.payload.toString()) : undefined
}
