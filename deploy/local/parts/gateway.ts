import {
  authorityPathOf,
  certificatePathsOf,
  TRUST_DOMAIN,
} from '../certificates/certificate-files.ts'
import type { LauncherConfig } from '../config.ts'
import type { ProcessSpec } from '../supervise/supervised-process.ts'
import { portOf } from './listening-line.ts'
import { nodeProcess } from './node-process.ts'

export interface GatewayAddresses {
  readonly adminUrl: string
  readonly publicUrl: string
}

/** Describes the gateway, with HTTPS by the local certificate and the regions of this run. */
export function gatewayProcess(
  config: LauncherConfig,
  part: { regionsFile: string; certificatesDir: string; redisUrl: string | undefined },
): ProcessSpec<GatewayAddresses> {
  const publicFiles = certificatePathsOf(part.certificatesDir, 'public')
  const identity = certificatePathsOf(part.certificatesDir, 'gateway')
  const { host, httpsPort, adminHost, adminPort, place, trustedProxies } = config.gateway
  return nodeProcess<GatewayAddresses>({
    name: 'gateway',
    entry: config.entries.gateway,
    environment: (known) => ({
      GATEWAY_DRAIN_DELAY_MS: '0', // No balancer stands in front that would have to notice first.
      ...config.environment,
      GATEWAY_HOST: host,
      GATEWAY_HTTPS_PORT: String(known === undefined ? httpsPort : portOf(known.publicUrl)),
      GATEWAY_ADMIN_HOST: adminHost,
      GATEWAY_ADMIN_PORT: String(known === undefined ? adminPort : portOf(known.adminUrl)),
      GATEWAY_TLS_CERT_FILE: publicFiles.certificate,
      GATEWAY_TLS_KEY_FILE: publicFiles.key,
      GATEWAY_CERT_FILE: identity.certificate,
      GATEWAY_KEY_FILE: identity.key,
      GATEWAY_PLACE: place,
      MERIDIAN_CA_FILE: authorityPathOf(part.certificatesDir),
      MERIDIAN_TRUST_DOMAIN: TRUST_DOMAIN,
      REGIONS_FILE: part.regionsFile,
      TRUSTED_PROXIES: trustedProxies,
      REDIS_URL: part.redisUrl,
    }),
    addressesOf: ({ admin, public: publicUrl }) =>
      admin && publicUrl ? { adminUrl: admin, publicUrl: onLocalhost(publicUrl) } : undefined,
  })
}

/** The certificate is for localhost, and so is what people type. */
function onLocalhost(url: string): string {
  return url.replace('//127.0.0.1', '//localhost')
}
