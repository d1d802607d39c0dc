import { createServer } from 'node:net'
import { LaunchError } from '../launch-error.ts'
import { findPortHolder } from './port-holder.ts'

/** Returns a port of 127.0.0.1 that was free a moment ago; nothing keeps it so. */
export async function findFreePort(): Promise<number> {
  const server = await listen(0, '127.0.0.1')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP port has a number')
  return address.port
}

/**
 * Makes sure that a fixed port can be listened on, before anything is started for it. Port 0 can.
 *
 * @throws {LaunchError} naming the port, what it is for, who holds it, and how to choose another.
 */
export async function assertPortFree(wanted: {
  port: number
  host: string
  purpose: string
  variable: string
}): Promise<void> {
  const { port, host, purpose, variable } = wanted
  try {
    const server = await listen(port, host)
    await new Promise((resolve) => server.close(resolve))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const holder = code === 'EADDRINUSE' ? await findPortHolder(port) : undefined
    const why =
      code === 'EADDRINUSE' ? `is busy: ${holder ?? whoToAsk(port)}` : `cannot be used (${code})`
    const remedy = `${variable}=${port < 1024 ? port + 8000 : port + 1} npm start`
    throw new LaunchError(`port ${port} of ${host} (${purpose}) ${why}`, { remedy, cause })
  }
}

function whoToAsk(port: number): string {
  return `perhaps another npm start; lsof -nP -iTCP:${port} -sTCP:LISTEN tells who`
}

function listen(port: number, host: string): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}
