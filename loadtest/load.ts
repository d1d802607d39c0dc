// The door to autocannon: the one load generator of the benches.

import autocannon from 'autocannon'

export interface LoadPlan {
  readonly url: string
  readonly ca: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly requests: number
}

export interface LoadResult {
  readonly requests: number
  /** Answers that were no 200, and requests without an answer. */
  readonly failed: number
  readonly requestsPerS: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends a fixed number of requests over kept connections and waits for all of their answers. */
export async function load(plan: LoadPlan): Promise<LoadResult> {
  const result = await autocannon({
    url: plan.url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...plan.headers },
    body: plan.body,
    connections: plan.connections,
    amount: plan.requests,
    timeout: 60,
    tlsOptions: { ca: plan.ca, servername: 'localhost' },
  })
  const answered = result['2xx']
  return {
    requests: plan.requests,
    failed: result.non2xx + result.errors + result.timeouts,
    requestsPerS: answered / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}
