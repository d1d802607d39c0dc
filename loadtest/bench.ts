// `npm run bench`: what Meridian costs beside the least that it could cost, in one run on one
// machine. The model is always the stand-in, so that nothing is measured but the way to it.
//
//   floor     client ─TLS─ bare Fastify + undici ─── stand-in
//   product   client ─TLS─ gateway ─mTLS─ ingress ─ NATS ─ worker ─── stand-in
//
// Machines differ and are shared: read the ratios, and the CPU time per request, which is each
// process's own. `npm run bench -- soak` sends 200,000 requests and watches the memory.

import { readFileSync } from 'node:fs'
import { type Programs, startPrograms } from './bench-programs.ts'
import { type LoadPlan, type LoadResult, load } from './load.ts'
import { usageOf } from './process-usage.ts'

const CONNECTIONS = 64
const REQUESTS = Number(process.argv.find((text) => /^\d+$/.test(text)) ?? 12_000)
const SOAK_REQUESTS = 200_000
const SOAK_STEPS = 10

interface Measured extends LoadResult {
  readonly name: string
  /** CPU µs per request of each process, by role. */
  readonly cpuUs: ReadonlyMap<string, number>
}

async function main(): Promise<void> {
  await using programs = await startPrograms()
  // Awaited here: returned as it is, it would run on programs that are being ended already.
  if (process.argv.includes('soak')) return await soak(programs)
  for (const isStream of [false, true]) {
    const body = bodyOf(isStream)
    await warmUp(programs, body)
    const floor = await measure(
      'floor',
      programs.floor,
      planFor(programs, programs.floor.url, body),
    )
    const product = await measure(
      'meridian',
      programs.product,
      planFor(programs, programs.product.url, body),
    )
    report(isStream ? 'streamed, 20 tokens' : 'buffered, 20 tokens', floor, product)
  }
}

function bodyOf(isStream: boolean): string {
  return JSON.stringify({
    model: 'smollm2:135m',
    stream: isStream,
    messages: [{ role: 'user', content: 'Hello' }],
    options: { num_predict: 20 },
  })
}

function planFor(programs: Programs, origin: string, body: string): LoadPlan {
  return {
    url: `${origin}/api/chat`,
    ca: readFileSync(programs.caFile, 'utf8'),
    body,
    headers: { 'x-forwarded-for': '2.2.2.2' },
    connections: CONNECTIONS,
    requests: REQUESTS,
  }
}

async function warmUp(programs: Programs, body: string): Promise<void> {
  for (const { url } of [programs.floor, programs.product]) {
    await load({ ...planFor(programs, url, body), requests: Math.min(3_000, REQUESTS) })
  }
}

async function measure(
  name: string,
  { pids }: Programs['floor'],
  plan: LoadPlan,
): Promise<Measured> {
  const before = await cpuOf(pids)
  const result = await load(plan)
  const after = await cpuOf(pids)
  const cpuUs = new Map<string, number>()
  for (const { role, pid } of pids) {
    const spentUs = (after.get(pid) ?? 0) - (before.get(pid) ?? 0)
    cpuUs.set(role, (cpuUs.get(role) ?? 0) + spentUs / result.requests)
  }
  return { name, ...result, cpuUs }
}

async function cpuOf(pids: readonly { readonly pid: number }[]): Promise<Map<number, number>> {
  const usages = await Promise.all(
    pids.map(async ({ pid }): Promise<[number, number]> => [pid, (await usageOf(pid)).cpuUs]),
  )
  return new Map(usages)
}

function report(title: string, floor: Measured, product: Measured): void {
  console.log(`\n${title}, ${CONNECTIONS} connections, ${REQUESTS} requests`)
  for (const { name, requestsPerS, p50Ms, p99Ms, failed, cpuUs } of [floor, product]) {
    const cpu = [...cpuUs].map(([role, us]) => `${role} ${us.toFixed(0)}`).join(' · ')
    const speed = `${requestsPerS.toFixed(0).padStart(6)} req/s`
    const waits = `p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`
    console.log(`  ${name.padEnd(9)}${speed}  ${waits}  failed ${failed}  CPU µs/req: ${cpu}`)
  }
  const of = (measured: Measured, role: string): number => measured.cpuUs.get(role) ?? Number.NaN
  const ratio = of(product, 'gateway') / of(floor, 'floor')
  const region = of(product, 'ingress') + of(product, 'worker') + of(product, 'nats')
  console.log(`  gateway ÷ floor = ${ratio.toFixed(2)} (CPU)   region = ${region.toFixed(0)} µs`)
}

async function soak(programs: Programs): Promise<void> {
  const { product } = programs
  const requests = SOAK_REQUESTS / SOAK_STEPS
  for (let step = 0; step <= SOAK_STEPS; step++) {
    const memory = await Promise.all(
      product.pids.map(async ({ role, pid }) => {
        const { rssBytes } = await usageOf(pid)
        return `${role} ${(rssBytes / 1_048_576).toFixed(0)}`
      }),
    )
    console.log(`after ${step * requests} requests, RSS MiB: ${memory.join(' · ')}`)
    if (step === SOAK_STEPS) return
    const { failed } = await load({
      ...planFor(programs, product.url, bodyOf(step % 2 === 1)),
      requests,
    })
    if (failed > 0) throw new Error(`${failed} requests failed`)
  }
}

await main()
