import { readFile } from 'node:fs/promises'

export interface ProcessUsage {
  /** User and system time of all threads since the process began, in µs. */
  readonly cpuUs: number
  readonly rssBytes: number
}

/** The clock tick of /proc is 1/100 s on every Linux that Node runs on (USER_HZ). */
const US_PER_TICK = 10_000
const PAGE_BYTES = 4_096

/**
 * Reads what a process has used so far, from /proc (Linux). CPU time is as coarse as 10 ms: measure
 * over seconds. @throws when there is no such process.
 */
export async function usageOf(pid: number): Promise<ProcessUsage> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold anything; the numbers begin behind its last bracket (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [userTicks = 0, systemTicks = 0] = fields.slice(11, 13).map(Number)
  const pages = Number(fields[21] ?? 0)
  return { cpuUs: (userTicks + systemTicks) * US_PER_TICK, rssBytes: pages * PAGE_BYTES }
}
