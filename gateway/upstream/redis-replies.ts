// pure

/** A command by its name in lower case, with its arguments. */
export type RedisCommand = readonly [name: string, ...values: (string | number)[]]

/** What one command brought. A refusal is an answer: it came in time. */
export type RedisReply =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly message: string }

/** The value of a reply; `undefined` for a refusal and for a reply that is missing. */
export function valueIn(reply: RedisReply | undefined): unknown {
  return reply?.kind === 'value' ? reply.value : undefined
}

/** The list of a reply; empty for anything that is none. */
export function listIn(reply: RedisReply | undefined): readonly unknown[] {
  const value = valueIn(reply)
  return Array.isArray(value) ? value : []
}

/** The message of the first refusal; `undefined` when everything was carried out. */
export function refusalIn(replies: readonly RedisReply[]): string | undefined {
  return replies.find((reply) => reply.kind === 'refusal')?.message
}
