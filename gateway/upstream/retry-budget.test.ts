import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FailoverGrants, RetryBudget } from './retry-budget.ts'

const OPTIONS = {
  retryShare: 0.2,
  retryFloor: 3,
  retryWindowMs: 10_000,
  tenantRetryShare: 0.1,
}

function budgetAfter(firstAttempts: number, tenantOf: (at: number) => string): RetryBudget {
  const budget = new RetryBudget(OPTIONS)
  for (let at = 0; at < firstAttempts; at++) budget.onFirstAttempt(tenantOf(at), 1_000)
  return budget
}

function spendAll(budget: RetryBudget, tenantOf: (at: number) => string, nowMs: number): number {
  let spent = 0
  for (let at = 0; at < 1_000; at++) if (budget.trySpend(tenantOf(at), nowMs)) spent += 1
  return spent
}

const many = (at: number): string => `tenant-${at % 50}`

test('without any first attempt three retries are allowed', () => {
  assert.equal(
    spendAll(budgetAfter(0, many), () => 'acme', 1_000),
    3,
  )
})

test('100 first attempts of many tenants allow 3 + 20 retries', () => {
  assert.equal(spendAll(budgetAfter(100, many), many, 1_000), 23)
})

test('a tenant has a tenth of its own first attempts, or three if that is more', () => {
  const budget = budgetAfter(200, (at) => (at < 80 ? 'acme' : `tenant-${at}`))

  assert.equal(
    spendAll(budget, () => 'acme', 1_000),
    8,
  )
  assert.equal(
    spendAll(budget, () => 'tenant-99', 1_000),
    3,
  )
})

test('one tenant cannot spend what the others need', () => {
  const budget = budgetAfter(100, () => 'acme')
  spendAll(budget, () => 'acme', 1_000)

  assert.equal(budget.trySpend('other', 1_000), true)
})

test('what was spent comes back with the window, and so does what allowed it', () => {
  const budget = budgetAfter(100, many)
  spendAll(budget, many, 1_000)

  assert.equal(budget.trySpend('tenant-1', 9_000), false)
  assert.equal(spendAll(budget, many, 13_000), 3)
})

test('retries of the last 10 s are ≤ 3 + 20 % of the first attempts, always (invariant 4)', () => {
  const step = fc.record({
    pauseMs: fc.integer({ min: 0, max: 1_500 }),
    firsts: fc.nat(20),
    retries: fc.nat(20),
    tenant: fc.constantFrom('a', 'b', 'c'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new RetryBudget(OPTIONS)
      const firstTimes: number[] = []
      const retryTimes: number[] = []
      let nowMs = 0
      const within = (times: readonly number[]): number =>
        times.filter((ms) => ms > nowMs - 10_000).length
      for (const { pauseMs, firsts, retries, tenant } of steps) {
        nowMs += pauseMs
        for (let at = 0; at < firsts; at++) {
          budget.onFirstAttempt(tenant, nowMs)
          firstTimes.push(nowMs)
        }
        for (let at = 0; at < retries; at++) {
          if (!budget.trySpend(tenant, nowMs)) continue
          retryTimes.push(nowMs)
          assert.ok(within(retryTimes) <= 3 + 0.2 * within(firstTimes))
        }
      }
    }),
  )
})

test('ten thousand strangers do not take a known tenant’s floor away', () => {
  const budget = new RetryBudget(OPTIONS)
  for (let at = 0; at < 30_000; at++) budget.onFirstAttempt(`stranger-${at}`, 1_000)

  assert.equal(
    spendAll(budget, () => 'acme', 1_000),
    3,
  )
})

test('what was in flight when a region left is granted a retry, whenever it fails', () => {
  const grants = new FailoverGrants()
  const before = grants.ticketFor('eu-central')
  grants.onDeparture('eu-central')

  assert.equal(grants.isGranted(before), true)
})

test('what began after the departure has no grant until the next one', () => {
  const grants = new FailoverGrants()
  grants.onDeparture('eu-central')
  const after = grants.ticketFor('eu-central')

  assert.equal(grants.isGranted(after), false)
  grants.onDeparture('eu-central')
  assert.equal(grants.isGranted(after), true)
})

test('the departure of one region grants nothing to another', () => {
  const grants = new FailoverGrants()
  const ticket = grants.ticketFor('us-east')
  grants.onDeparture('eu-central')

  assert.equal(grants.isGranted(ticket), false)
})
