// pure

/**
 * Reads the log line by which one of our processes says where it listens:
 * `{"msg":"listening","urls":{"admin":"http://127.0.0.1:9090"}}`.
 *
 * Wildcard addresses are replaced by the loopback address that reaches them. Any other line, valid
 * JSON or not, is `undefined`; so is one with a URL that is none.
 */
export function decodeListeningLine(line: string): Readonly<Record<string, string>> | undefined {
  if (!line.startsWith('{') || !line.includes('"listening"')) return undefined
  try {
    const { msg, urls } = JSON.parse(line) as { msg?: unknown; urls?: unknown }
    if (msg !== 'listening' || typeof urls !== 'object' || urls === null) return undefined
    return Object.fromEntries(
      Object.entries(urls).map(([name, url]) => [name, reachableUrl(String(url))]),
    )
  } catch {
    return undefined
  }
}

/** Reads the port of a URL that names one; 0 stands for one that does not. */
export function portOf(url: string): number {
  return Number(new URL(url).port)
}

function reachableUrl(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname === '0.0.0.0' || hostname === '[::]' ? '127.0.0.1' : hostname
  return `${protocol}//${host}${port === '' ? '' : `:${port}`}`
}
