// pure
//
// A frame is what a worker says about one piece of work. Over NATS a message is one frame; over
// HTTP, from ingress to gateway, each frame has its length in front, and the ingress copies the
// rest without looking into it:
//
//   NATS     type u8 · sequence u32be · payload
//   HTTP     length u32be · (the same bytes)
//
// Where Ollama streams (`chat`, `generate`), a delta holds whole lines and `done` the last one,
// each with the line break that came behind it. The other kinds answer with one JSON text, which
// may be larger than a frame: it is the payloads of all deltas, cut anywhere, and of `done`, put
// together.
//
// The type letters are never `{`, because JetStream's acknowledgement of the publish, which is
// JSON, arrives on the same inbox and is told apart by its first byte.

/** The five things that a worker can say. */
export const FRAME_TYPES = {
  /** The worker runs the work. First frame, once. Payload: JSON `StartedPayload`. */
  started: 0x53, // S
  /** Content. Payload: one or more whole lines of Ollama's NDJSON, bytes untouched (see above). */
  delta: 0x44, // D
  /** Still here, nothing to say. Payload: JSON `AlivePayload`. */
  alive: 0x41, // A
  /** The end, well. Payload: Ollama's last line, or the rest of an answer that does not stream. */
  done: 0x45, // E
  /** The end, badly. Payload: JSON `RegionFailure`. */
  failed: 0x46, // F
} as const satisfies Record<string, number>

export type FrameType = keyof typeof FRAME_TYPES

export interface StartedPayload {
  readonly worker: string
}

/** What the model server is doing while nothing comes: shown to the client as a heartbeat. */
export interface AlivePayload {
  readonly phase: 'loading' | 'prefill' | 'decode'
}

export interface Frame {
  readonly type: FrameType
  /** Counts from 1 within one attempt. */
  readonly sequence: number
  readonly payload: Buffer
}

/** The largest frame, header included, in bytes: below NATS's default `max_payload` of 1 MiB. */
export const FRAME_BYTES_MAX = 1_000_000
/** The largest payload that fits: what a worker may put in one frame. */
export const FRAME_PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX - 5

const HEADER_BYTES = 5
const LENGTH_BYTES = 4
const TYPE_OF = new Map<number, FrameType>(
  Object.entries(FRAME_TYPES).map(([type, byte]) => [byte, type as FrameType]),
)

/** Writes a frame as one NATS message. @throws {RangeError} when the payload is over the limit. */
export function encodeFrame(type: FrameType, sequence: number, payload: Buffer | string): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  if (length > FRAME_PAYLOAD_BYTES_MAX) throw new RangeError(`frame payload of ${length} bytes`)
  const message = Buffer.allocUnsafe(HEADER_BYTES + length)
  message[0] = FRAME_TYPES[type]
  message.writeUInt32BE(sequence, 1)
  if (typeof payload === 'string') message.write(payload, HEADER_BYTES)
  else payload.copy(message, HEADER_BYTES)
  return message
}

/** Reads one NATS message. What is no frame (too short, unknown letter) is `undefined`. */
export function decodeFrame(message: Uint8Array): Frame | undefined {
  const type = frameTypeOf(message)
  if (type === undefined) return undefined
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  return { type, sequence: bytes.readUInt32BE(1), payload: bytes.subarray(HEADER_BYTES) }
}

/** Tells a frame's type from its first byte alone; `undefined` for anything that is no frame. */
export function frameTypeOf(message: Uint8Array): FrameType | undefined {
  if (message.length < HEADER_BYTES) return undefined
  return TYPE_OF.get(message[0] ?? 0)
}

/** Reads the sequence number without building a frame; 0 for a message that is too short. */
export function frameSequenceOf(message: Uint8Array): number {
  if (message.length < HEADER_BYTES) return 0
  const [, a = 0, b = 0, c = 0, d = 0] = message
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** The length prefix that goes before a frame's bytes on HTTP. */
export function encodeFrameLength(message: Uint8Array): Buffer {
  const prefix = Buffer.allocUnsafe(LENGTH_BYTES)
  prefix.writeUInt32BE(message.length)
  return prefix
}

/** Why a byte stream is no stream of frames. */
export type FrameFault = 'malformed' | 'too-large' | 'out-of-sequence'

/**
 * Cuts a byte stream from an ingress into frames and checks that none is missing or repeated.
 * Bytes may arrive cut anywhere; at most one unfinished frame is kept.
 */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)
  #nextSequence = 1

  /**
   * Takes the next bytes and returns the frames that they complete, in order. At the first fault
   * the frames before it are returned with the fault, and the reader must not be used again.
   */
  push(chunk: Buffer): { readonly frames: Frame[]; readonly fault?: FrameFault } {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    while (bytes.length >= LENGTH_BYTES) {
      const length = bytes.readUInt32BE(0)
      if (length > FRAME_BYTES_MAX) return { frames, fault: 'too-large' }
      if (bytes.length < LENGTH_BYTES + length) break
      const frame = decodeFrame(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
      if (frame === undefined) return { frames, fault: 'malformed' }
      if (frame.sequence !== this.#nextSequence) return { frames, fault: 'out-of-sequence' }
      this.#nextSequence += 1
      frames.push(frame)
      bytes = bytes.subarray(LENGTH_BYTES + length)
    }
    this.#rest = bytes
    return { frames }
  }

  /** Whether the bytes so far end at the border of a frame. */
  get isAtBorder(): boolean {
    return this.#rest.length === 0
  }
}
