// pure

/** What one region's nats-server is told; paths are absolute, -1 is any free port. */
export interface NatsSettings {
  readonly regionId: string
  readonly storeDir: string
  readonly portsDir: string
  readonly port: number
  readonly monitorPort: number
}

/**
 * Writes the configuration file of one region's nats-server: alone, on loopback, with JetStream in
 * a domain of its own, so that nothing of one region can be mistaken for another's.
 *
 * `sync_interval` stays at its two minutes here: a killed process loses nothing by that, and only
 * a machine that loses power would. Production has `always`.
 */
export function natsConfig(settings: NatsSettings): string {
  return `server_name: ${quote(`${settings.regionId}-nats`)}
listen: ${quote(`127.0.0.1:${settings.port}`)}
http: ${quote(`127.0.0.1:${settings.monitorPort}`)}
ports_file_dir: ${quote(settings.portsDir)}
jetstream {
  domain: ${quote(settings.regionId)}
  store_dir: ${quote(settings.storeDir)}
  max_memory_store: 512MB
  max_file_store: 8GB
}
`
}

/** Reads the file in which nats-server says where it listens; `undefined` until it is complete. */
export function decodePortsFile(text: string): { url: string; monitorUrl: string } | undefined {
  try {
    const { nats, monitoring } = JSON.parse(text) as { nats?: unknown; monitoring?: unknown }
    const url = first(nats)
    const monitorUrl = first(monitoring)
    return url === undefined || monitorUrl === undefined ? undefined : { url, monitorUrl }
  } catch {
    return undefined
  }
}

function first(list: unknown): string | undefined {
  const value: unknown = Array.isArray(list) ? list[0] : undefined
  return typeof value === 'string' ? value : undefined
}

/** The format takes strings as JSON does. */
function quote(text: string): string {
  return JSON.stringify(text)
}
