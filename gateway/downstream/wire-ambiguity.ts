// pure
//
// Requests that two readers could understand differently are refused before anything reads them:
// that difference is what request smuggling lives on. Node's parser refuses much of it already;
// here stands what it lets through (RFC 9112 sections 3.2, 6.1 and 11.2).

export interface RawHead {
  /** A real HTTP/2 request, told by its class: the version string can be written by the client. */
  readonly isHttp2: boolean
  readonly httpVersion: string
  readonly method: string
  /** The request target as it came. */
  readonly target: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

const AUTHORITY = /^(?:[A-Za-z0-9._~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const TOKEN_WITHOUT_UNDERSCORE = /^:?[!#$%&'*+\-.^`|~0-9A-Za-z]+$/

/** Says why a head is ambiguous, or `undefined` for one that has a single reading. */
export function ambiguityOf(head: RawHead): string | undefined {
  if (!head.isHttp2 && head.httpVersion !== '1.1') return 'HTTP version is not 1.1'
  const values = valuesByName(head.rawHeaders)
  if (values === undefined) return 'a header name is not allowed'
  const host = values.get('host') ?? []
  const authority = values.get(':authority') ?? []
  const names = new Set([...host, ...authority])
  if (host.length > 1 || authority.length > 1 || names.size !== 1) return 'Host is not exactly one'
  const [name] = names
  if (name === undefined || !AUTHORITY.test(name)) return 'Host is not an authority'
  if (!head.target.startsWith('/')) return 'the request target is not a path'
  if (head.method === 'CONNECT' || head.method === 'TRACE') return 'the method is not allowed'
  if (values.has('upgrade') && !head.isHttp2) return 'upgrades are not offered'
  const coding = values.get('transfer-encoding')
  if (coding !== undefined && (coding.length !== 1 || coding[0]?.toLowerCase() !== 'chunked')) {
    return 'Transfer-Encoding is not exactly chunked'
  }
  return undefined
}

/**
 * Cuts a target in absolute form, as clients send it to proxies, to its path when it names the
 * authority that `Host` names, too (RFC 9112 section 3.2.2). Every other target is left as it is.
 */
export function pathOfTarget(target: string, host: string | undefined): string {
  if (target.startsWith('/')) return target
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target) ?? []
  if (authority === undefined || authority.toLowerCase() !== host?.toLowerCase()) return target
  return rest.startsWith('/') ? rest : `/${rest}`
}

function valuesByName(rawHeaders: readonly string[]): Map<string, string[]> | undefined {
  const values = new Map<string, string[]>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    // Some proxies read `_` as `-`, so that one name would be two.
    if (!TOKEN_WITHOUT_UNDERSCORE.test(name)) return undefined
    const lower = name.toLowerCase()
    const list = values.get(lower)
    if (list === undefined) values.set(lower, [rawHeaders[i + 1] ?? ''])
    else list.push(rawHeaders[i + 1] ?? '')
  }
  return values
}
