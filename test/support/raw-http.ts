// HTTP byte by byte, for what no client library would send or show.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { eventually } from './eventually.ts'

/** One connection that keeps everything it receives. */
export class RawConnection implements AsyncDisposable {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  /** The far end has ended the connection, well or by a reset. */
  isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    socket.on('error', () => undefined) // A reset is one way in which a far end refuses.
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** What was received so far, a character for each byte. */
  get text(): string {
    return this.bytes.toString('latin1')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  send(bytes: Buffer | string): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Waits until the far end has closed, and returns all that it sent. */
  async closed(): Promise<string> {
    await eventually('the far end closes the connection', () => this.isClosed)
    return this.text
  }

  /** Waits until the received text has the form. */
  async received(form: RegExp): Promise<string> {
    await eventually(`${form} is received`, () => form.test(this.text))
    return this.text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
  }
}

/** Opens a plain connection to a port of this machine. */
export async function openPlain(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return new RawConnection(socket)
}

/** Opens a TLS connection whose certificate is not looked at; `protocol` is what ALPN asks for. */
export async function openTls(port: number, protocol?: string): Promise<RawConnection> {
  const ALPNProtocols = protocol === undefined ? [] : [protocol]
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols })
  await once(socket, 'secureConnect')
  return new RawConnection(socket)
}

/** The statuses of the HTTP/1 answers in a text, in turn. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

export interface Http2Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

/** The types of frames that tests look for (RFC 9113, section 6). */
export const HTTP2 = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  goaway: 7,
  endStream: 1,
} as const

/** Cuts what was received on an HTTP/2 connection into whole frames. */
export function http2FramesOf(bytes: Buffer): Http2Frame[] {
  const frames: Http2Frame[] = []
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    if (end > bytes.length) break
    const [type, flags] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4)]
    const streamId = bytes.readUInt32BE(at + 5)
    frames.push({ type, flags, streamId, payload: bytes.subarray(at + 9, end) })
    at = end
  }
  return frames
}

/** The first bytes of an HTTP/2 connection. */
export function http2Preface(): Buffer {
  const settings = http2Frame(HTTP2.settings, 0, 0, Buffer.alloc(0))
  return Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings])
}

/** The head of a request to `https://a<path>` on stream 1. Only a GET ends with its head. */
export function http2Head(method: 'GET' | 'POST', path: string): Buffer {
  const END_HEADERS = 4
  const flags = END_HEADERS | (method === 'GET' ? HTTP2.endStream : 0)
  // RFC 7541: method and scheme stand in the static table, path and authority are literals.
  const fields = [
    Buffer.from([method === 'GET' ? 0x82 : 0x83, 0x87]),
    Buffer.from([0x04, path.length]),
    Buffer.from(path),
    Buffer.from([0x41, 1]),
    Buffer.from('a'),
  ]
  return http2Frame(HTTP2.headers, flags, 1, Buffer.concat(fields))
}

/** A part of the body on stream 1, which goes on. */
export function http2Data(text: string): Buffer {
  return http2Frame(HTTP2.data, 0, 1, Buffer.from(text))
}

/** The reset of stream 1, as a client sends it that does not want the answer any more. */
export function http2Cancel(): Buffer {
  return http2Frame(HTTP2.reset, 0, 1, Buffer.from([0, 0, 0, 8]))
}

function http2Frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(streamId, 5)
  return Buffer.concat([head, payload])
}
