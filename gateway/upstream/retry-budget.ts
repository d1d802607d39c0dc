// pure
// What keeps retries from becoming the load that broke a region: all further attempts together may
// be a part of the first ones. Only the loss of a region is paid for otherwise, because what was in
// flight there is bounded, and would be lost in a moment in which nobody has saved up for it.

import { SlidingCount } from './sliding-count.ts'

export interface RetryBudgetOptions {
  /** Further attempts per first attempt in the window, and how many are always allowed. */
  readonly retryShare: number
  readonly retryFloor: number
  readonly retryWindowMs: number
  /** The same share for one tenant, over the same floor. */
  readonly tenantRetryShare: number
}

/** What paid for an attempt, as the route record shows it. */
export type PaidBy = 'first' | 'budget' | 'grant'

/** So many tenants are counted apart, the newest ones. A forgotten one begins anew at the floor. */
const TENANTS_MAX = 10_000

/**
 * The retries of one gateway. In any window that ends with a retry they are no more than floor plus
 * share of the first attempts; those of one tenant no more than its share, or the floor if that is
 * more. Counting is in parts of the window, and errs towards fewer retries.
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions
  readonly #all: Account
  readonly #ofTenant = new Map<string, Account>()

  constructor(options: RetryBudgetOptions) {
    this.#options = options
    this.#all = new Account(options.retryWindowMs)
  }

  /** A request made its first attempt. */
  onFirstAttempt(tenant: string, nowMs: number): void {
    this.#all.firsts.add(nowMs)
    this.#accountOf(tenant).firsts.add(nowMs)
  }

  /**
   * Takes one retry, overflow hop, continuation or panic attempt out of the budget. False = it is
   * spent, and the request ends with the error that it has.
   */
  trySpend(tenant: string, nowMs: number): boolean {
    const own = this.#accountOf(tenant)
    const { retryFloor, retryShare, tenantRetryShare } = this.#options
    const allowed = retryFloor + retryShare * this.#all.firsts.atLeast(nowMs)
    const allowedOwn = Math.max(retryFloor, tenantRetryShare * own.firsts.atLeast(nowMs))
    if (this.#all.retries.atMost(nowMs) + 1 > allowed) return false
    if (own.retries.atMost(nowMs) + 1 > allowedOwn) return false
    this.#all.retries.add(nowMs)
    own.retries.add(nowMs)
    return true
  }

  #accountOf(tenant: string): Account {
    const known = this.#ofTenant.get(tenant)
    if (known !== undefined) return known
    if (this.#ofTenant.size >= TENANTS_MAX) this.#forgetOldest()
    const account = new Account(this.#options.retryWindowMs)
    this.#ofTenant.set(tenant, account)
    return account
  }

  #forgetOldest(): void {
    for (const tenant of this.#ofTenant.keys()) {
      this.#ofTenant.delete(tenant)
      return
    }
  }
}

class Account {
  readonly firsts: SlidingCount
  readonly retries: SlidingCount

  constructor(windowMs: number) {
    this.firsts = new SlidingCount(windowMs)
    this.retries = new SlidingCount(windowMs)
  }
}

/** An attempt's claim on a grant: how often its region had left when the attempt began. */
export interface GrantTicket {
  readonly regionId: string
  readonly departures: number
}

/**
 * Failover grants: whatever was in flight to a region when it left `healthy` on evidence of broken
 * infrastructure may be tried once more outside the budget. An attempt knows by its ticket whether
 * its region has left since it began, so nothing is kept for each attempt.
 */
export class FailoverGrants {
  readonly #departures = new Map<string, number>()

  /** An attempt begins. */
  ticketFor(regionId: string): GrantTicket {
    return { regionId, departures: this.#departures.get(regionId) ?? 0 }
  }

  /** A region left `healthy` on infrastructure evidence; overload and drains grant nothing. */
  onDeparture(regionId: string): void {
    this.#departures.set(regionId, (this.#departures.get(regionId) ?? 0) + 1)
  }

  /** Whether an attempt that fails now has a grant. It fails once, so none is used twice. */
  isGranted({ regionId, departures }: GrantTicket): boolean {
    return (this.#departures.get(regionId) ?? 0) > departures
  }
}
