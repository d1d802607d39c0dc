// The floor that Meridian is measured against: the least that a gateway in this language does. Bare
// Fastify with the same TLS listener, bare undici, bytes passed through untouched. No placing, no
// health, no failover, no translation.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fastify } from 'fastify'
import { Pool } from 'undici'

const { values } = parseArgs({
  options: {
    upstream: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
})
const { upstream = '', cert = '', key = '' } = values

const pool = new Pool(upstream, { connections: 256, pipelining: 1 })
const app = fastify({
  http2: true,
  https: { allowHTTP1: true, cert: readFileSync(cert), key: readFileSync(key) },
})
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/api/chat', async (request, reply) => {
  const { statusCode, headers, body } = await pool.request({
    path: '/api/chat',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: request.body as Buffer,
  })
  reply.status(statusCode).type(String(headers['content-type']))
  return reply.send(body)
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ url })}\n`)
process.on('SIGTERM', () => process.exit(0))
