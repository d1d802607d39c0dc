import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorCode, GatewayError } from '../errors.ts'
import { localReply } from './local-reply.ts'

/**
 * What is wrong with what Node's HTTP/1 parser could not read. `undefined` where nobody is there to
 * be told: the connection was lost or ended half-way, or its TLS handshake came to nothing.
 */
export function unreadableCodeOf({ code = '' }: NodeJS.ErrnoException): ErrorCode | undefined {
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  if (code === 'HPE_HEADER_OVERFLOW') return 'head_too_large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  return code.startsWith('HPE_') ? 'ambiguous_request' : undefined
}

/**
 * Answers on a connection without a request, and closes it. Nothing is known of the path, so the
 * answer is OpenAI's. Returns the bytes of its body.
 */
export function answerUnreadable(socket: Socket, error: GatewayError, requestId: string): number {
  const { status, headers, body } = localReply(error, 'openai', 0)
  const fields = { ...headers, 'x-request-id': requestId, connection: 'close' }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
  socket.destroySoon()
  return Buffer.byteLength(body)
}
