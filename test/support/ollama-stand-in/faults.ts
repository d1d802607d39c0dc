// pure
// One grammar for everything that can be asked of the stand-in: `name=value,name,…`. It is read
// from a request header, from `[[stand-in:…]]` in the prompt, from control rules and from the
// defaults.

import type { WordForm } from './words.ts'

/** How an answer ends early, or goes wrong, after `after` tokens of the whole answer. */
export interface Break {
  readonly kind: 'error' | 'reset' | 'cut' | 'end' | 'hang' | 'malformed'
  readonly after: number
}

/** Everything that decides how one request is answered. */
export interface Behaviour {
  readonly tokenDelayMs: number
  readonly prefillDelayMs: number
  readonly loadDelayMs: number
  /** Loads the model even when it is resident. */
  readonly reload: boolean
  readonly tokens: number
  readonly thinkingTokens: number
  readonly words: WordForm
  readonly flushEachToken: boolean
  readonly breaks: readonly Break[]
  /** A refusal before the first line; 0 for none. */
  readonly status: number
  /** The text of a refusal or an error line; empty for what Ollama would say. */
  readonly error: string
  /** For the header of a refusal; negative for none. */
  readonly retryAfterSeconds: number
  /** The size of the first token of the text; 0 leaves it as it is. */
  readonly bigTokenBytes: number
  /** Which token of the request carries a wave and is written in two parts; 0 for none. */
  readonly splitUtf8At: number
  readonly omitCounters: boolean
  /** Ignores `_debug_render_only`, as servers do that are older than it. */
  readonly noRender: boolean
  /** Answers 200 with a web page, as a wrong address or a captive portal does. */
  readonly html: boolean
}

/** What one text of the grammar asks for; the rest stays as it is. */
export type Faults = Partial<Behaviour>

/** Twenty plain words at once, and no trouble. */
export const BEHAVIOUR_DEFAULTS: Behaviour = {
  tokenDelayMs: 0,
  prefillDelayMs: 0,
  loadDelayMs: 0,
  reload: false,
  tokens: 20,
  thinkingTokens: 5,
  words: 'plain',
  flushEachToken: false,
  breaks: [],
  status: 0,
  error: '',
  retryAfterSeconds: -1,
  bigTokenBytes: 0,
  splitUtf8At: 0,
  omitCounters: false,
  noRender: false,
  html: false,
}

/** An hour: longer than any limit of the product, so that a test never waits it out by accident. */
const DELAY_MS_MAX = 3_600_000
/** Keeps the plan of one answer below about 10 MB. */
const TOKENS_MAX = 100_000
const TOKEN_BYTES_MAX = 8 * 1024 * 1024
const TEXT_CHARS_MAX = 4_096

const READERS: Readonly<Record<string, (value: string | undefined) => Faults>> = {
  'token-delay-ms': (value) => ({ tokenDelayMs: numberIn(value, 0, DELAY_MS_MAX) }),
  'prefill-delay-ms': (value) => ({ prefillDelayMs: numberIn(value, 0, DELAY_MS_MAX) }),
  'load-delay-ms': (value) => ({ loadDelayMs: numberIn(value, 0, DELAY_MS_MAX), reload: true }),
  tokens: (value) => ({ tokens: integerIn(value, 0, TOKENS_MAX) }),
  'thinking-tokens': (value) => ({ thinkingTokens: integerIn(value, 0, TOKENS_MAX) }),
  words: (value) => ({ words: oneOf(value, ['plain', 'rich']) }),
  'flush-each-token': (value) => ({ flushEachToken: isOn(value) }),
  'error-after': (value) => ({ breaks: breaksAfter('error', value) }),
  'reset-after': (value) => ({ breaks: breaksAfter('reset', value) }),
  'cut-after': (value) => ({ breaks: breaksAfter('cut', value) }),
  'end-after': (value) => ({ breaks: breaksAfter('end', value) }),
  'hang-after': (value) => ({ breaks: breaksAfter('hang', value) }),
  'malformed-after': (value) => ({ breaks: breaksAfter('malformed', value) }),
  status: (value) => ({ status: integerIn(value, 400, 599) }),
  error: (value) => ({ error: textOf(value) }),
  'retry-after': (value) => ({ retryAfterSeconds: integerIn(value, 0, 86_400) }),
  'big-token': (value) => ({ bigTokenBytes: integerIn(value, 1, TOKEN_BYTES_MAX) }),
  'split-utf8': (value) => ({ splitUtf8At: integerIn(value ?? '2', 1, TOKENS_MAX) }),
  'omit-counters': (value) => ({ omitCounters: isOn(value) }),
  'no-render': (value) => ({ noRender: isOn(value) }),
  html: (value) => ({ html: isOn(value) }),
}

/** The names of the grammar, for pages and messages that list them. */
export const FAULT_NAMES: readonly string[] = Object.keys(READERS)

/** A fault that nobody can have meant; the test that sent it is wrong. */
export class FaultSyntaxError extends Error {
  override readonly name = 'FaultSyntaxError'
}

/**
 * Reads `name=value,name,…`; the empty text asks for nothing.
 *
 * Names are those of `FAULT_NAMES`. Positions may be several, `5+10`; texts are percent-encoded.
 *
 * @throws {FaultSyntaxError} naming the part that is wrong.
 */
export function parseFaults(text: string): Faults {
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '').reduce<Faults>(addFault, {})
}

function addFault(faults: Faults, part: string): Faults {
  const [name = '', ...rest] = part.split('=')
  const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined
  if (read === undefined) {
    throw new FaultSyntaxError(`unknown fault "${name}"; known: ${FAULT_NAMES.join(', ')}`)
  }
  try {
    return withFaults(faults, read(rest.length === 0 ? undefined : rest.join('=')))
  } catch (cause) {
    if (!(cause instanceof FaultSyntaxError)) throw cause
    throw new FaultSyntaxError(`fault "${part}": ${cause.message}`)
  }
}

/** Reads every `[[stand-in:…]]` in a text; none asks for nothing. @throws {FaultSyntaxError} */
export function parseDirectives(text: string): Faults {
  if (!text.includes('[[stand-in:')) return {}
  const directives = [...text.matchAll(/\[\[stand-in:([^\]]*)\]\]/g)]
  return parseFaults(directives.map(([, faults]) => faults).join(','))
}

/** Lets later faults win over what is there; breaks add up. */
export function withFaults<T extends Faults>(there: T, faults: Faults): T {
  if (faults.breaks === undefined) return { ...there, ...faults }
  return { ...there, ...faults, breaks: [...(there.breaks ?? []), ...faults.breaks] }
}

/**
 * Finds what happens to an answer of which `tokens` have been said, `given` of them by an earlier
 * request that this one continues.
 *
 * Positions count over the whole answer, and one that lies before or at the point of continuation
 * has already happened: a directive in the prompt, which the continuation repeats, breaks it once.
 */
export function breakAt(
  breaks: readonly Break[],
  tokens: number,
  given: number,
): Break | undefined {
  if (tokens === given && given > 0) return undefined
  return breaks.find((there) => there.after === tokens)
}

function breaksAfter(kind: Break['kind'], value: string | undefined): readonly Break[] {
  const positions = (value ?? '').split('+')
  return positions.map((position) => ({ kind, after: integerIn(position, 0, TOKENS_MAX) }))
}

function numberIn(value: string | undefined, min: number, max: number): number {
  const number = value !== undefined && /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new FaultSyntaxError(`want a number from ${min} to ${max}`)
}

function integerIn(value: string | undefined, min: number, max: number): number {
  const number = numberIn(value, min, max)
  if (Number.isInteger(number)) return number
  throw new FaultSyntaxError('want an integer')
}

function oneOf<T extends string>(value: string | undefined, choices: readonly T[]): T {
  const choice = choices.find((one) => one === value)
  if (choice !== undefined) return choice
  throw new FaultSyntaxError(`want one of ${choices.join(', ')}`)
}

function isOn(value: string | undefined): boolean {
  return oneOf(value ?? 'on', ['on', 'off']) === 'on'
}

function textOf(value = ''): string {
  if (value.length > TEXT_CHARS_MAX) throw new FaultSyntaxError(`over ${TEXT_CHARS_MAX} characters`)
  try {
    return decodeURIComponent(value)
  } catch {
    throw new FaultSyntaxError('want percent-encoded text')
  }
}
