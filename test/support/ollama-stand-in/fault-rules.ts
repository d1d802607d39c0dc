// pure
import { type Faults, parseFaults, withFaults } from './faults.ts'

/** Faults for requests that the control endpoint chose, not the request itself. */
export interface FaultRule {
  /** In the grammar of `parseFaults`. */
  readonly faults: string
  /** An exact path; without it a rule is about `/api/chat` and `/api/generate` only. */
  readonly path?: string
  /** As the request writes it. */
  readonly model?: string
  /** A part of the last user message, or of the prompt. */
  readonly promptIncludes?: string
  /** How many matching requests pass unharmed first; 0. */
  readonly skip?: number
  /** How many requests the rule harms before it is spent; without it there is no end. */
  readonly times?: number
  /** Harms only every n-th of the requests that match after `skip`; 1. */
  readonly every?: number
}

/** What a rule looks at; reads such as `/api/tags` have no model and no prompt. */
export interface RuleSubject {
  readonly path: string
  readonly model: string
  readonly promptText: string
}

const RULES_MAX = 100

interface ActiveRule {
  readonly rule: FaultRule
  readonly faults: Faults
  matched: number
  harmed: number
}

/** The rules in force; each request is asked about once, in the order of arrival. */
export class FaultRules {
  #active: readonly ActiveRule[] = []

  /**
   * Puts these rules in the place of all others and begins to count anew.
   *
   * @throws {FaultSyntaxError} for a fault that nobody knows; then nothing has changed.
   */
  replace(rules: readonly FaultRule[]): void {
    if (rules.length > RULES_MAX) throw new RangeError(`more than ${RULES_MAX} rules`)
    this.#active = rules.map((rule) => {
      return { rule, faults: parseFaults(rule.faults), matched: 0, harmed: 0 }
    })
  }

  /** Counts the request against every rule that matches it, and joins what they ask for. */
  faultsFor(subject: RuleSubject): Faults {
    let faults: Faults = {}
    for (const active of this.#active) {
      if (!matches(active.rule, subject)) continue
      active.matched += 1
      const { skip = 0, every = 1, times = Number.POSITIVE_INFINITY } = active.rule
      const turn = active.matched - skip
      if (turn < 1 || turn % every !== 0 || active.harmed >= times) continue
      active.harmed += 1
      faults = withFaults(faults, active.faults)
    }
    return faults
  }

  /** Tells each rule with how many requests it has harmed. */
  report(): readonly (FaultRule & { readonly harmed: number })[] {
    return this.#active.map(({ rule, harmed }) => ({ ...rule, harmed }))
  }
}

function matches(rule: FaultRule, { path, model, promptText }: RuleSubject): boolean {
  if (rule.path === undefined && path !== '/api/chat' && path !== '/api/generate') return false
  if (rule.path !== undefined && rule.path !== path) return false
  if (rule.model !== undefined && rule.model !== model) return false
  return rule.promptIncludes === undefined || promptText.includes(rule.promptIncludes)
}
