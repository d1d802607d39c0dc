// A double of gateway, ingress and worker for tests of the launcher: listens where the environment
// says, tells so in its log as they do, is ready at once, and shows its environment at `/`.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const { env } = process
if (env.WORKER_ID !== undefined) report({ admin: await listen(env.WORKER_ADMIN_PORT) })
else if (env.INGRESS_ID !== undefined) {
  const ingress = await listen(env.INGRESS_PORT)
  report({ admin: await listen(env.INGRESS_ADMIN_PORT), ingress })
} else {
  const publicUrl = await listen(env.GATEWAY_HTTPS_PORT)
  report({ admin: await listen(env.GATEWAY_ADMIN_PORT), public: publicUrl })
}
process.once('SIGTERM', () => process.exit(0))

async function listen(port: string | undefined): Promise<string> {
  const server = createServer((request, response) => {
    response.end(request.url === '/' ? JSON.stringify(env) : 'ok')
  })
  await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return `http://127.0.0.1:${bound}`
}

function report(urls: Record<string, string>): void {
  process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'listening', urls })}\n`)
}
