// npm run provide [-- PROGRAM…]: finds or fetches what npm cannot give, so that a start is quick.

import { environment, STORE_DIR } from './config.ts'
import { describeFailure, EXIT, LaunchError } from './launch-error.ts'
import { describeMachine, type Machine } from './provide/machine.ts'
import { natsServer } from './provide/nats-server.ts'
import { ollama } from './provide/ollama.ts'
import { type ProvidedProgram, provideProgram } from './provide/provide-program.ts'
import { redisServer } from './provide/redis-server.ts'
import { MODEL_NAME, modelsFolderOf, provideModel } from './provide/smollm2.ts'

/** Returns the lines that say what is there now. */
type Provide = (machine: Machine) => Promise<readonly string[]>

const PROVIDERS: Readonly<Record<string, Provide>> = {
  'nats-server': async (machine) => [describe(await provideProgram(natsServer, machine))],
  'redis-server': async (machine) => [describe(await provideProgram(redisServer, machine))],
  ollama: async (machine) => {
    const program = await provideProgram(ollama, machine)
    await provideModel(machine, program.path)
    return [describe(program), `${MODEL_NAME}  ${modelsFolderOf(machine.storeDir)}`]
  },
}

try {
  await provideAll(process.argv.slice(2))
} catch (error) {
  const { text, exitCode } = describeFailure(error)
  process.stderr.write(text)
  process.exitCode = exitCode
}

async function provideAll(names: readonly string[]): Promise<void> {
  const machine = describeMachine(STORE_DIR, environment)
  for (const name of names) {
    if (!Object.hasOwn(PROVIDERS, name)) {
      const known = Object.keys(PROVIDERS).join(' ')
      throw new LaunchError(`cannot provide "${name}"; known are: ${known}`, {
        exitCode: EXIT.usage,
      })
    }
  }
  for (const name of names.length > 0 ? names : ['nats-server', 'redis-server']) {
    const lines = await PROVIDERS[name]?.(machine).catch((error: unknown) => {
      // Everything works without Redis, so nobody who did not ask for it is stopped by its absence.
      if (names.length > 0 || name !== 'redis-server') throw error
      return [`note: ${describeFailure(error).text.trimEnd()}`]
    })
    for (const line of lines ?? []) process.stdout.write(`${line}\n`)
  }
}

function describe(program: ProvidedProgram): string {
  return `${program.name} ${program.version}  ${program.path}`
}
