// pure

import type { RegionFailure } from '#wire/error-codes.ts'
import type { Usage } from './ollama-answers.ts'

/** Every way in which a piece of work ends at its worker. */
export type WorkOutcome =
  /** Ends in a `done` frame, whose payload is `last`. */
  | { readonly kind: 'done'; readonly last: Buffer; readonly usage: Usage }
  /** Ends in a `failed` frame. */
  | { readonly kind: 'failed'; readonly failure: RegionFailure }
  /** The ingress said so: no frame. */
  | { readonly kind: 'cancelled' }
  /** There is nobody to say a frame to, or nothing to say. */
  | { readonly kind: 'abandoned'; readonly because: Abandonment }

export type Abandonment =
  /** The server says that nobody listens to the frames any more. */
  | 'ingress-gone'
  /** NATS was away for too long. */
  | 'nats-away'
  /** The acknowledgement could not be sent, so another worker gets the message. */
  | 'not-acknowledged'
  /** The same attempt runs here already: its acknowledgement was lost on the way. */
  | 'duplicate'
  /** The message is none that can ever be run. */
  | 'malformed'
