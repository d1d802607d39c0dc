// pure
//
// What a launcher says once all is up: a page for people, one line of JSON for programs.

/** All addresses and process ids of a launch; a process that has just ended has no id. */
export interface Started {
  readonly gateway: {
    readonly url: string
    readonly adminUrl: string
    readonly pid: number | undefined
  }
  readonly ca: string
  readonly regions: readonly StartedRegion[]
  readonly redis: { readonly url: string; readonly pid: number | undefined } | null
  readonly modelServer: {
    readonly url: string
    readonly kind: 'ollama' | 'stand-in'
    readonly pid: number | undefined
  }
  readonly controlSocket: string
}

/** One region of it. */
export interface StartedRegion {
  readonly id: string
  readonly ingressUrl: string
  readonly nats: {
    readonly url: string
    readonly monitorUrl: string
    readonly pid: number | undefined
  }
  readonly ingress: {
    readonly id: string
    readonly pid: number | undefined
    readonly adminUrl: string
  }
  readonly workers: readonly {
    readonly id: string
    readonly pid: number | undefined
    readonly adminUrl: string | undefined
  }[]
}

/** Addresses that the GeoLite2 data places where their names say. */
const CLIENTS = [
  { place: 'Frankfurt', address: '46.101.128.1' },
  { place: 'Singapore', address: '128.199.64.1' },
] as const

/**
 * Writes under ten lines: what to open, who answers, and a request from each of two places.
 *
 * `ca` should be as short as the person's shell understands it; `model` is absent when the model
 * server has none, and then there is nothing to try yet.
 */
export function bannerOf(
  started: Started,
  words: { ca: string; modelServer: string; model: string | undefined; notes: readonly string[] },
): string {
  const { gateway, regions } = started
  const workers = regions.reduce((sum, region) => sum + region.workers.length, 0)
  const tries =
    words.model === undefined
      ? ['The model server has no model yet: ollama pull one to try a request.']
      : CLIENTS.map(({ place, address }) => `${place}: ${curlLine(gateway.url, words, address)}`)
  const lines = [
    `Meridian is up: ${regions.map(({ id }) => id).join(', ')}; ${workers} workers.`,
    `API ${gateway.url}   admin ${gateway.adminUrl}   CA ${words.ca}`,
    `Model server: ${words.modelServer}.`,
    ...words.notes,
    ...tries,
    'npm run region -- kill|stop|cont|drain|start <region> breaks one; Ctrl-C stops everything.',
  ]
  return `${lines.join('\n')}\n`
}

function curlLine(
  url: string,
  { ca, model }: { ca: string; model: string | undefined },
  address: string,
): string {
  const body = JSON.stringify({
    model,
    stream: true,
    messages: [{ role: 'user', content: 'Say hello.' }],
  })
  const headers = `-H 'X-Forwarded-For: ${address}' -H 'Content-Type: application/json'`
  return `curl -iN --cacert ${ca} ${headers} -d '${body}' ${url}/v1/chat/completions`
}
