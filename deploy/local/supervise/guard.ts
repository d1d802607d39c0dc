// Outlives the launcher for a moment: while the launcher lives it writes `+pid` and `-pid` for
// every process that it starts and that ends. When the pipe closes, however the launcher ended,
// SIGKILL included, whoever is left is ended too: by SIGTERM, and by SIGKILL as many milliseconds
// later as the argument says.

import { createInterface } from 'node:readline'
import { isGroupLeft, killGroup } from './kill-group.ts'
import { pollUntil } from './poll.ts'

const graceMs = Number(process.argv[2])
const leaders = new Set<number>()
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1))
  if (!Number.isSafeInteger(pid) || pid <= 1) continue // -1 would be every process there is.
  if (line.startsWith('+')) leaders.add(pid)
  else leaders.delete(pid)
}
for (const leader of leaders) {
  killGroup(leader, 'SIGTERM')
  killGroup(leader, 'SIGCONT') // A stopped process takes its SIGTERM when it goes on.
}
await pollUntil(() => [...leaders].every((leader) => !isGroupLeft(leader)) || undefined, {
  timeoutMs: graceMs,
  everyMs: 50,
})
for (const leader of leaders) killGroup(leader, 'SIGKILL')
