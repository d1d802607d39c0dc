import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'

/** What a receipt states: which regions were given the text of a request, in that order. */
export interface Receipt {
  readonly requestId: string
  readonly gateway: string
  /** Whole seconds since 1970. */
  readonly issuedS: number
  readonly regions: readonly string[]
}

export interface Receipts {
  /** For `x-meridian-receipt`: payload and signature, each in base64url, with a dot between. */
  issue(receipt: Receipt): string
  /** The key to verify with, as PEM. */
  readonly publicKeyPem: string
}

/**
 * Signs receipts with Ed25519 (RFC 8032). `privateKeyPem` is the key to sign with; without one a
 * key is made, which is published and lives as long as the process. @throws for a text that is no
 * private key.
 */
export function createReceipts(privateKeyPem: string | undefined): Receipts {
  const privateKey =
    privateKeyPem === undefined
      ? generateKeyPairSync('ed25519').privateKey
      : createPrivateKey(privateKeyPem)
  const publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
  return {
    publicKeyPem: publicKeyPem.toString(),
    issue: (receipt) => {
      const payload = Buffer.from(JSON.stringify(receipt))
      const signature = sign(null, payload, privateKey)
      return `${payload.toString('base64url')}.${signature.toString('base64url')}`
    },
  }
}

/** Reads a receipt; `undefined` when it was not signed with this key, or is none. */
export function verifyReceipt(text: string, publicKeyPem: string): Receipt | undefined {
  const [payload = '', signature = '', ...rest] = text.split('.')
  if (rest.length > 0) return undefined
  const bytes = Buffer.from(payload, 'base64url')
  const isSigned = verify(null, bytes, publicKeyPem, Buffer.from(signature, 'base64url'))
  return isSigned ? (JSON.parse(bytes.toString()) as Receipt) : undefined
}
