// pure

/** How long a list may be. */
export interface CountRange {
  readonly min: number
  readonly max: number
}

/** What is expected of a text: `want` completes "want …" in a problem. */
export interface TextRule {
  readonly want: string
  readonly matches: (text: string) => boolean
}

/**
 * One object of a JSON file that an operator wrote, read field by field.
 *
 * Whatever is wrong is added to `problems` with its path, as in `regions[1].lat`, and reading goes
 * on with a stand-in, so that one pass names everything. A field without `fallback` must be there.
 */
export class JsonFields {
  readonly path: string
  readonly #problems: string[]
  readonly #fields: ReadonlyMap<string, unknown>

  /** @param known The names of all fields; any other is a problem, a misspelt one for example. */
  constructor(
    value: unknown,
    options: { path: string; problems: string[]; known: readonly string[] | 'any' },
  ) {
    const { path, problems, known } = options
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    this.path = path
    this.#problems = problems
    this.#fields = new Map(isObject ? Object.entries(value) : [])
    if (!isObject) {
      this.#unwanted('', 'an object', value)
      this.#problems = [] // What is no object need not be told which fields it lacks.
    }
    for (const name of this.#fields.keys()) {
      if (known !== 'any' && !known.includes(name)) this.complain(name, 'is no field')
    }
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  names(): readonly string[] {
    return [...this.#fields.keys()]
  }

  /** Adds a problem of a field, or of the whole object by the name ''. */
  complain(name: string, problem: string): void {
    this.#problems.push(`${this.pathOf(name) || 'the file'}: ${problem}`)
  }

  pathOf(name: string): string {
    return name === '' || this.path === '' ? this.path + name : `${this.path}.${name}`
  }

  /** Reads an object. */
  object(name: string, known: readonly string[] | 'any'): JsonFields {
    return this.#inner(this.#fields.get(name), this.pathOf(name), known)
  }

  /** Reads a list of objects. */
  objects(name: string, known: readonly string[], count: CountRange): readonly JsonFields[] {
    const path = this.pathOf(name)
    return this.#list(name, count).map((value, at) => this.#inner(value, `${path}[${at}]`, known))
  }

  /** Reads a list of different texts. */
  texts(
    name: string,
    rule: TextRule,
    count: CountRange,
    fallback?: readonly string[],
  ): readonly string[] {
    if (fallback !== undefined && !this.#fields.has(name)) return fallback
    const texts: string[] = []
    for (const [at, value] of this.#list(name, count).entries()) {
      const item = `${name}[${at}]`
      if (typeof value !== 'string' || !rule.matches(value)) this.#unwanted(item, rule.want, value)
      else if (texts.includes(value)) this.complain(item, `${shown(value)} is there twice`)
      else texts.push(value)
    }
    return texts
  }

  text(name: string, rule: TextRule, fallback?: string): string {
    const value = this.#value(name, rule.want, fallback)
    if (typeof value === 'string' && rule.matches(value)) return value
    if (value !== undefined) this.#unwanted(name, rule.want, value)
    return ''
  }

  choice<Choice extends string>(
    name: string,
    choices: readonly Choice[],
    fallback: Choice,
  ): Choice {
    const want = choices.map((choice) => `"${choice}"`).join(' or ')
    const value = this.#value(name, want, fallback)
    const chosen = choices.find((choice) => choice === value)
    if (chosen === undefined) this.#unwanted(name, want, value)
    return chosen ?? fallback
  }

  /** Reads a number of the range, its ends included. */
  number(
    name: string,
    range: { min: number; max: number; kind?: 'integer' },
    fallback?: number,
  ): number {
    const { min, max, kind = 'number' } = range
    const want = min === max ? `${min}` : `a ${kind} from ${min} to ${max}`.replace('a i', 'an i')
    const value = this.#value(name, want, fallback)
    const isWanted = typeof value === 'number' && value >= min && value <= max
    if (isWanted && (kind === 'number' || Number.isInteger(value))) return value
    if (value !== undefined) this.#unwanted(name, want, value)
    return min
  }

  #inner(value: unknown, path: string, known: readonly string[] | 'any'): JsonFields {
    return new JsonFields(value, { path, problems: this.#problems, known })
  }

  #list(name: string, { min, max }: CountRange): readonly unknown[] {
    const value = this.#value(name, 'a list')
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      this.#unwanted(name, 'a list', value)
      return []
    }
    if (value.length < min || value.length > max) {
      this.complain(name, `has ${value.length} entries, want ${min} to ${max}`)
    }
    return value.slice(0, max)
  }

  /** Gives what is there, else the fallback; JSON knows no `undefined`, so that means a problem. */
  #value(name: string, want: string, fallback?: unknown): unknown {
    if (this.#fields.has(name)) return this.#fields.get(name)
    if (fallback === undefined) this.complain(name, `is missing, want ${want}`)
    return fallback
  }

  #unwanted(name: string, want: string, value: unknown): void {
    this.complain(name, `want ${want}, not ${shown(value)}`)
  }
}

const SHOWN_CHARS_MAX = 60

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
}
