// pure
//
// A body that does not fit into one message stays in the memory of its ingress, and the worker that
// runs the work fetches it in parts. Nothing is stored twice and nothing has to be swept: the body
// is gone when the attempt is.
//
//   work message   empty, with the header `meridian-body: parts=<n>;subject=<subject>`
//   request        the part's index as decimal text, 0 … n − 1, sent to that subject with a reply
//   answer         the part's bytes; an answer of no bytes says that the body is gone, because the
//                  attempt has ended, and then the worker drops the work without a frame
//
// A worker first acknowledges the message, then fetches the parts in any order, at most
// `PARTS_AT_ONCE_MAX` at a time, and then sends `started`. A part without an answer within
// `PART_TIMEOUT_MS` ends the work with a `failed` frame, code `internal`, `workStarted: no`.

import { MEMBER_ID } from './subjects.ts'

/** Header of a work message whose body lies elsewhere; absent where the message holds the body. */
export const LARGE_BODY_HEADER = 'meridian-body'

/** The largest body inside a work message, in bytes: half of NATS's default `max_payload`. */
export const INLINE_BODY_BYTES_MAX = 524_288
/** Size of each part but the last, which is what remains, in bytes. */
export const BODY_PART_BYTES = 524_288
/** The most parts of one body: 128 MiB. */
export const BODY_PARTS_MAX = 256
/** How many parts a worker may have asked for and not yet received. */
export const PARTS_AT_ONCE_MAX = 8
/** How long a worker waits for one part, in ms. */
export const PART_TIMEOUT_MS = 2_000

export interface LargeBody {
  readonly parts: number
  readonly subject: string
}

export type BodyPlace =
  | { readonly kind: 'inline' }
  | ({ readonly kind: 'parts' } & LargeBody)
  | { readonly kind: 'problem' }

const PARTS = /^parts=(\d{1,3});subject=(_INBOX\.ingress\.([a-z0-9-]+)\.body\.[0-9a-f]{32})$/

/** Where the body of one attempt can be fetched; `token` is that of its frame inbox. */
export function bodySubject(ingressId: string, token: string): string {
  return `${bodySubjectPrefix(ingressId)}.${token}`
}

/** What an ingress subscribes to, with `.*` behind it, for all its large bodies at once. */
export function bodySubjectPrefix(ingressId: string): string {
  return `_INBOX.ingress.${ingressId}.body`
}

/** Counts the parts of a body of `bytes`; at least 1. */
export function bodyPartsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BODY_PART_BYTES))
}

/** Writes the value of `LARGE_BODY_HEADER`. */
export function encodeLargeBody({ parts, subject }: LargeBody): string {
  return `parts=${parts};subject=${subject}`
}

/**
 * Reads the header's value: '' is `inline`, what is malformed a `problem` that can never be run.
 */
export function decodeBodyPlace(value: string): BodyPlace {
  if (value === '') return { kind: 'inline' }
  const [, count, subject, ingressId] = PARTS.exec(value) ?? []
  const parts = Number(count)
  if (subject === undefined || !MEMBER_ID.test(ingressId ?? '')) return { kind: 'problem' }
  return parts >= 1 && parts <= BODY_PARTS_MAX
    ? { kind: 'parts', parts, subject }
    : { kind: 'problem' }
}

/** Writes the request for one part. */
export function encodePartRequest(index: number): string {
  return String(index)
}

/** Reads a request for a part of a body of `parts`; `undefined` when there is no such part. */
export function decodePartRequest(text: string, parts: number): number | undefined {
  const index = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  return index < parts ? index : undefined
}
