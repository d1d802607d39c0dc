import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { openPlain } from '../../test/support/raw-http.ts'
import { type ErrorCode, GatewayError } from '../errors.ts'
import { answerUnreadable, unreadableCodeOf } from './unreadable.ts'

const CODES: readonly [
  situation: string,
  code: string | undefined,
  means: ErrorCode | undefined,
][] = [
  ['a head that is too long', 'HPE_HEADER_OVERFLOW', 'head_too_large'],
  ['a head that does not come', 'ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
  ['a token that is none', 'HPE_INVALID_HEADER_TOKEN', 'ambiguous_request'],
  ['a version that is none', 'HPE_INVALID_VERSION', 'ambiguous_request'],
  ['a connection that ended half-way', 'HPE_INVALID_EOF_STATE', undefined],
  ['a connection that was lost', 'ECONNRESET', undefined],
  ['a handshake that failed', 'ERR_SSL_NO_SHARED_CIPHER', undefined],
  ['an error without a code', undefined, undefined],
]

for (const [situation, code, means] of CODES) {
  test(`${situation} is answered as ${means ?? 'nothing'}`, () => {
    const error = Object.assign(new Error('of Node'), code === undefined ? {} : { code })

    assert.equal(unreadableCodeOf(error), means)
  })
}

test('the answer has a status line, an id and a body in full, and the connection is closed', async () => {
  const bytes: number[] = []
  const server = createServer((socket) => {
    bytes.push(answerUnreadable(socket, new GatewayError('head_too_large'), 'req_test_1'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using connection = await openPlain((server.address() as AddressInfo).port)

  const text = await connection.closed()
  server.close()

  const [head = '', body = ''] = text.split('\r\n\r\n')
  assert.deepEqual(head.split('\r\n'), [
    'HTTP/1.1 431 Request Header Fields Too Large',
    'content-type: application/json; charset=utf-8',
    `content-length: ${body.length}`,
    'x-should-retry: false',
    'x-request-id: req_test_1',
    'connection: close',
  ])
  assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, 'head_too_large')
  assert.deepEqual(bytes, [body.length])
})
