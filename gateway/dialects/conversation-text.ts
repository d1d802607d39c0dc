// pure

import type { AffinityKey } from './dialect.ts'

/** How much of the beginning tells conversations apart: system prompt and first question. */
export const CONVERSATION_CHARS_MAX = 512

interface Said {
  readonly role: string
  readonly content: string
}

/**
 * Says what keeps a conversation together: what the client names, else how it began.
 *
 * The beginning ends with the first message of the user, also when it is short: what follows it is
 * new in every turn, and a conversation whose text grows must keep its key. `named` are the fields
 * that may name it, best first; '' names nothing. No text at all is `none`.
 */
export function affinityOf(
  named: readonly (string | null | undefined)[],
  messages: readonly Said[],
): AffinityKey {
  const name = named.find((text) => typeof text === 'string' && text !== '')
  if (typeof name === 'string') return { source: 'field', text: name }

  let text = ''
  for (const { role, content } of messages) {
    if (text.length >= CONVERSATION_CHARS_MAX) break
    if (content !== '') text += `${role}\n${content.slice(0, CONVERSATION_CHARS_MAX)}\n`
    if (role === 'user') break
  }
  const beginning = text.slice(0, CONVERSATION_CHARS_MAX)
  return beginning === '' ? { source: 'none' } : { source: 'messages', text: beginning }
}
