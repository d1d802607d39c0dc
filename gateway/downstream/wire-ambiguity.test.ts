import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ambiguityOf, pathOfTarget, type RawHead } from './wire-ambiguity.ts'

const HTTP1: RawHead = {
  isHttp2: false,
  httpVersion: '1.1',
  method: 'POST',
  target: '/api/chat',
  rawHeaders: ['Host', 'gateway.example', 'Content-Length', '2'],
}
const HTTP2: RawHead = {
  isHttp2: true,
  httpVersion: '2.0',
  method: 'POST',
  target: '/api/chat',
  rawHeaders: [':authority', 'gateway.example', ':path', '/api/chat', 'content-length', '2'],
}

/** A head with other headers beside a good `Host`. */
function withHeaders(...rawHeaders: string[]): RawHead {
  return { ...HTTP1, rawHeaders: [...HTTP1.rawHeaders, ...rawHeaders] }
}

function withHost(...hosts: string[]): RawHead {
  return { ...HTTP1, rawHeaders: hosts.flatMap((host) => ['host', host]) }
}

const CLEAR: readonly [situation: string, head: RawHead][] = [
  ['a plain request of HTTP/1.1', HTTP1],
  ['a request of HTTP/2', HTTP2],
  [
    'HTTP/2 with the same authority twice',
    { ...HTTP2, rawHeaders: [...HTTP2.rawHeaders, 'host', 'gateway.example'] },
  ],
  ['HTTP/2 with Host alone', { ...HTTP2, rawHeaders: ['host', 'gateway.example'] }],
  ['a host with a port', withHost('gateway.example:8443')],
  ['an IPv4 address as host', withHost('127.0.0.1:8080')],
  ['an IPv6 address as host', withHost('[2001:db8::1]:443')],
  ['chunks', withHeaders('Transfer-Encoding', 'chunked')],
  ['chunks in capitals', withHeaders('TRANSFER-ENCODING', 'Chunked')],
  [
    'a header given twice',
    withHeaders('x-forwarded-for', '192.0.2.1', 'x-forwarded-for', '192.0.2.2'),
  ],
  ['every character of a token', withHeaders("!#$%&'*+-.^`|~09azAZ", 'x')],
  ['a path with a query', { ...HTTP1, target: '/api/chat?x=http://other/' }],
]

for (const [situation, head] of CLEAR) {
  test(`${situation} has a single reading`, () => {
    assert.equal(ambiguityOf(head), undefined)
  })
}

const AMBIGUOUS: readonly [situation: string, head: RawHead, reason: RegExp][] = [
  ['HTTP/0.9', { ...HTTP1, httpVersion: '0.9', rawHeaders: [] }, /version/],
  ['HTTP/1.0', { ...HTTP1, httpVersion: '1.0' }, /version/],
  ['HTTP/2.0 in a request line', { ...HTTP1, httpVersion: '2.0' }, /version/],
  ['no host', { ...HTTP1, rawHeaders: [] }, /Host/],
  ['two hosts', withHost('a.example', 'b.example'), /Host/],
  ['the same host twice', withHost('a.example', 'a.example'), /Host/],
  ['an empty host', withHost(''), /authority/],
  ['a list of hosts', withHost('a.example, b.example'), /authority/],
  ['a host with a path', withHost('a.example/x'), /authority/],
  ['a host with a user', withHost('user@a.example'), /authority/],
  ['a host with two ports', withHost('a.example:1:2'), /authority/],
  ['a host with a space', withHost('a example'), /authority/],
  [
    'another host than the authority',
    { ...HTTP2, rawHeaders: [':authority', 'a', 'host', 'b'] },
    /Host/,
  ],
  ['another authority in the target', { ...HTTP1, target: 'http://other/' }, /target/],
  ['an asterisk', { ...HTTP1, method: 'OPTIONS', target: '*' }, /target/],
  ['an authority as target', { ...HTTP1, method: 'CONNECT', target: 'a:443' }, /target/],
  ['an empty target', { ...HTTP2, target: '' }, /target/],
  ['TRACE', { ...HTTP1, method: 'TRACE' }, /method/],
  ['CONNECT with a path', { ...HTTP1, method: 'CONNECT' }, /method/],
  ['an upgrade', withHeaders('Upgrade', 'h2c'), /upgrade/],
  [
    'another coding before the chunks',
    withHeaders('Transfer-Encoding', 'gzip, chunked'),
    /Transfer/,
  ],
  ['a coding that is not chunked', withHeaders('Transfer-Encoding', 'identity'), /Transfer/],
  ['an empty coding', withHeaders('Transfer-Encoding', ''), /Transfer/],
  [
    'chunks twice',
    withHeaders('Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'),
    /Transfer/,
  ],
  ['an underscore in a name', withHeaders('content_length', '3'), /name/],
  ['a space in a name', withHeaders('content length', '3'), /name/],
  ['a name that is no ASCII', withHeaders('naïve', '3'), /name/],
  ['a name without characters', withHeaders('', '3'), /name/],
]

for (const [situation, head, reason] of AMBIGUOUS) {
  test(`${situation} is refused, and why is said`, () => {
    assert.match(ambiguityOf(head) ?? '', reason)
  })
}

const TARGETS: readonly [target: string, host: string | undefined, path: string][] = [
  ['/api/chat', 'a.example', '/api/chat'],
  ['http://a.example/api/chat?x=1', 'a.example', '/api/chat?x=1'],
  ['HTTPS://A.example:8443/', 'a.EXAMPLE:8443', '/'],
  ['http://a.example', 'a.example', '/'],
  ['http://a.example?x=1', 'a.example', '/?x=1'],
  ['http://other/api/chat', 'a.example', 'http://other/api/chat'],
  ['http://a.example/', undefined, 'http://a.example/'],
  ['ftp://a.example/', 'a.example', 'ftp://a.example/'],
  ['*', 'a.example', '*'],
  ['a.example:443', 'a.example:443', 'a.example:443'],
]

for (const [target, host, path] of TARGETS) {
  test(`the target ${target} sent to ${host} is ${path}`, () => {
    assert.equal(pathOfTarget(target, host), path)
  })
}
