// npm run region -- kill|stop|cont|drain|start REGION: breaks one region of a running launcher, and
// mends it.

import { join } from 'node:path'
import { parseRegionCommand } from './config.ts'
import { askLauncher } from './control/control-client.ts'
import { describeFailure, LaunchError } from './launch-error.ts'

try {
  await commandRegion(process.argv.slice(2))
} catch (error) {
  const { text, exitCode } = describeFailure(error)
  process.stderr.write(text)
  process.exitCode = exitCode
}

async function commandRegion(args: readonly string[]): Promise<void> {
  const { action, regionId, runtimeDir } = parseRegionCommand(args)
  const socket = join(runtimeDir, 'launcher.sock')
  const path = `/regions/${encodeURIComponent(regionId)}/${action}`
  const answer = await askLauncher(socket, 'POST', path).catch((cause: unknown) => {
    throw new LaunchError(`no launcher listens on ${socket}`, { remedy: 'npm start', cause })
  })
  if (answer.error !== undefined) throw new LaunchError(answer.error)
  for (const { name, status, pid } of answer.processes ?? []) {
    process.stdout.write(`${name} ${status}${pid === undefined ? '' : ` (${pid})`}\n`)
  }
}
