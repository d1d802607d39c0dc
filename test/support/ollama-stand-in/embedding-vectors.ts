// pure
/** The length of every vector; `/api/show` names it too. */
export const EMBEDDING_LENGTH = 384

/** Gives a text a direction of length one that depends on nothing else; any texts differ. */
export function directionOf(text: string): readonly number[] {
  // FNV-1a of the text seeds xorshift, which is enough to tell texts apart and cheap per number.
  let state = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193)
  }
  state = state === 0 ? 1 : state
  const parts = Array.from({ length: EMBEDDING_LENGTH }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  })
  return normalised(parts)
}

/** Keeps the first dimensions and normalises again; 0, or more than there are, keeps all. */
export function shorten(vector: readonly number[], dimensions: number): readonly number[] {
  const isShorter = dimensions > 0 && dimensions < vector.length
  return isShorter ? normalised(vector.slice(0, dimensions)) : vector
}

function normalised(parts: readonly number[]): readonly number[] {
  const length = Math.hypot(...parts)
  return parts.map((part) => part / length)
}
