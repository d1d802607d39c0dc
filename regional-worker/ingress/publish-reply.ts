// pure
//
// What JetStream answers to a publish. It arrives on the inbox of the frames and is known by its
// first byte, because it is JSON and no frame begins with `{`.

/** What became of a publish. */
export type PublishReply =
  /** It lies in the stream. `duplicate`: an earlier message with this id does, at `seq`. */
  | { readonly kind: 'stored'; readonly seq: number; readonly duplicate: boolean }
  /** The stream, or the queue within it, is full; nothing was stored. */
  | { readonly kind: 'full' }
  /** Nothing was stored, for another reason. */
  | { readonly kind: 'refused'; readonly errCode: number }

const OPENING_BRACE = 0x7b
/** `maximum messages exceeded`, of the stream or of one subject. */
const ERR_CODE_FULL = 10077

/** Tells a reply from a frame. */
export function isPublishReply(message: Uint8Array): boolean {
  return message[0] === OPENING_BRACE
}

/** Reads a reply; `undefined` for what is none, so that nobody knows what became of the publish. */
export function decodePublishReply(message: Uint8Array): PublishReply | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  try {
    const value = JSON.parse(bytes.toString()) as PubAck | null
    const errCode = value?.error?.err_code
    if (typeof errCode === 'number') {
      return errCode === ERR_CODE_FULL ? { kind: 'full' } : { kind: 'refused', errCode }
    }
    const seq = value?.seq
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined
    return { kind: 'stored', seq, duplicate: value?.duplicate === true }
  } catch {
    return undefined
  }
}

interface PubAck {
  readonly seq?: unknown
  readonly duplicate?: unknown
  readonly error?: { readonly err_code?: unknown }
}
