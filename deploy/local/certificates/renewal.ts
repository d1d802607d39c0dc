// pure

/** Whether a certificate on disk still serves, from facts that the edge has read. */
export type CertificateFacts =
  | { readonly kind: 'unusable' } // Absent, unreadable, of another key or of another authority.
  | { readonly kind: 'usable'; readonly notAfterMs: number }

/**
 * Decides whether a certificate stays, or is made anew because less than `renewBelowMs` of its
 * life is left. Exactly that much left stays.
 */
export function decideRenewal(
  facts: CertificateFacts,
  nowMs: number,
  renewBelowMs: number,
): 'keep' | 'renew' {
  if (facts.kind === 'unusable') return 'renew'
  return facts.notAfterMs - nowMs < renewBelowMs ? 'renew' : 'keep'
}
