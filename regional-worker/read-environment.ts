import { accessSync, constants, statSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

/** The configuration does not stand: the process must not start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * Reads variables and collects what is wrong with them, so that one restart is enough to learn it
 * all: each method returns something usable, and `refuseProblems` speaks at the end. An empty
 * variable counts as absent, because a compose file cannot leave one out.
 */
export class EnvironmentReader {
  /** What was wrong so far; whoever checks how values relate adds to it. */
  readonly problems: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  /** A whole number in decimal digits, from `min` to `max`. */
  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.optionalText(name)
    if (text === undefined) return fallback
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    return this.#refuse(`${name}="${text}": want an integer from ${min} to ${max}`, fallback)
  }

  /** A text of the given form, any when none is given. */
  text(name: string, fallback: string, form: RegExp = ANY): string {
    return this.optionalText(name, form) ?? fallback
  }

  /** As `text`; absent is a problem, and reads as ''. */
  requiredText(name: string, form: RegExp = ANY): string {
    if (this.#value(name) === undefined) return this.#refuse(`${name} is missing`, '')
    return this.optionalText(name, form) ?? ''
  }

  optionalText(name: string, form: RegExp = ANY): string | undefined {
    const text = this.#value(name)
    if (text === undefined || form.test(text)) return text
    return this.#refuse(`${name}="${text}": want the form ${form.source}`, undefined)
  }

  /** One of `words`. */
  oneOf<Word extends string>(name: string, fallback: Word, words: readonly Word[]): Word {
    const text = this.#value(name) ?? fallback
    const word = words.find((known) => known === text)
    return word ?? this.#refuse(`${name}="${text}": want one of ${words.join(', ')}`, fallback)
  }

  /**
   * A URL with one of `protocols` (such as `http:`), without a slash at its end. The text is not
   * repeated in a problem: it may hold a password.
   */
  url(name: string, fallback: string, protocols: readonly string[]): string {
    const text = this.#value(name) ?? fallback
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url !== undefined && protocols.includes(url.protocol)) return text.replace(/\/+$/, '')
    return this.#refuse(`${name}: want a URL that begins with ${protocols.join(' or ')}`, fallback)
  }

  /** Entries between commas, each of the given form, blanks around them left out. */
  list(name: string, fallback: readonly string[], form: RegExp): readonly string[] {
    const text = this.#value(name)
    if (text === undefined) return fallback
    const entries = text.split(',').map((entry) => entry.trim())
    const wrong = entries.find((entry) => !form.test(entry))
    if (wrong === undefined) return entries
    return this.#refuse(`${name}: "${wrong}" has not the form ${form.source}`, fallback)
  }

  /** The path of a file that exists and can be read; absent is a problem, and reads as ''. */
  file(name: string): string {
    if (this.#value(name) === undefined) return this.#refuse(`${name} is missing`, '')
    return this.optionalFile(name) ?? ''
  }

  optionalFile(name: string): string | undefined {
    const path = this.#value(name)
    if (path === undefined || isReadableFile(path)) return path
    return this.#refuse(`${name}="${path}": no file that can be read`, undefined)
  }

  /** @throws {ConfigError} naming every problem, if there is one. */
  refuseProblems(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems)
  }

  #value(name: string): string | undefined {
    const text = this.#env[name]?.trim()
    return text === '' ? undefined : text
  }

  #refuse<Value>(problem: string, instead: Value): Value {
    this.problems.push(problem)
    return instead
  }
}

const ANY = /^/

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
