import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { goJson } from './go-json.ts'
import { Refusal } from './refusal.ts'

/** What every response says in the header `server`, so that nobody takes it for a model. */
export const SERVER_NAME = 'meridian-ollama-stand-in'

const JSON_TYPE = 'application/json; charset=utf-8'
/** Go's server counts what fits into its first buffer, and sends the rest in chunks. */
const LENGTH_BYTES_MAX = 2_048
/** The product refuses bodies over 32 MiB; the stand-in would still take them. */
const BODY_BYTES_MAX = 64 * 1024 * 1024

/**
 * Reads a whole body as UTF-8; a request without one gives the empty text.
 *
 * @throws {Refusal} 413 when it is too long.
 */
export function readBody(req: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk)
    })
    req.on('end', () => {
      if (bytes > BODY_BYTES_MAX) reject(new Refusal(413, 'http: request body too large'))
      else resolve(Buffer.concat(chunks).toString())
    })
    req.on('error', reject) // Also when the client goes away in the middle.
  })
}

/** Answers with one JSON object, as Ollama answers all but streams. */
export function sendJson(res: ServerResponse, status: number, body: object): void {
  sendText(res, status, JSON_TYPE, goJson(body))
}

/** Answers with a text; a HEAD request gets its headers only. */
export function sendText(res: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.byteLength(text)
  res.writeHead(status, {
    'content-type': type,
    ...(bytes > LENGTH_BYTES_MAX
      ? { 'transfer-encoding': 'chunked' }
      : { 'content-length': bytes }),
  })
  res.end(text)
}

/** Writes data and waits while the client is slower. Rejects when the signal aborts. */
export async function writeAll(
  res: ServerResponse,
  data: string | Buffer,
  signal: AbortSignal,
): Promise<void> {
  if (!res.write(data)) await once(res, 'drain', { signal })
}
