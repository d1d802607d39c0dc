import {
  authorityPathOf,
  certificatePathsOf,
  TRUST_DOMAIN,
} from '../certificates/certificate-files.ts'
import type { Environment } from '../config.ts'
import type { ProcessSpec } from '../supervise/supervised-process.ts'
import { portOf } from './listening-line.ts'
import { nodeProcess } from './node-process.ts'

export interface IngressAddresses {
  readonly adminUrl: string
  readonly ingressUrl: string
}

/** Describes the ingress of a region; `environment` says which region and where its NATS is. */
export function ingressProcess(part: {
  id: string
  entry: string
  certificatesDir: string
  environment: () => Environment
}): ProcessSpec<IngressAddresses> {
  const identity = certificatePathsOf(part.certificatesDir, part.id)
  return nodeProcess<IngressAddresses>({
    name: part.id,
    entry: part.entry,
    environment: (known) => ({
      ...part.environment(),
      INGRESS_ID: part.id,
      INGRESS_HOST: '127.0.0.1',
      INGRESS_PORT: String(known === undefined ? 0 : portOf(known.ingressUrl)),
      INGRESS_ADMIN_HOST: '127.0.0.1',
      INGRESS_ADMIN_PORT: String(known === undefined ? 0 : portOf(known.adminUrl)),
      INGRESS_CERT_FILE: identity.certificate,
      INGRESS_KEY_FILE: identity.key,
      MERIDIAN_CA_FILE: authorityPathOf(part.certificatesDir),
      MERIDIAN_TRUST_DOMAIN: TRUST_DOMAIN,
    }),
    addressesOf: ({ admin, ingress }) =>
      admin && ingress ? { adminUrl: admin, ingressUrl: ingress } : undefined,
  })
}
