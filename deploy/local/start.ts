// npm start: starts the whole of Meridian on this machine, says what to open, and stays until it is
// told to stop. What happens in which order, `launch.ts` tells.

import { relative } from 'node:path'
import { bannerOf } from './banner.ts'
import { environment, type LauncherConfig, parseLauncherConfig } from './config.ts'
import { type Launch, launch } from './launch.ts'
import { describeFailure } from './launch-error.ts'

const stop = stopSignal()
try {
  await run(parseLauncherConfig(process.argv.slice(2), environment))
} catch (error) {
  if (!stop.aborted) {
    const { text, exitCode } = describeFailure(error)
    process.stderr.write(text)
    process.exitCode = exitCode
  }
}

async function run(config: LauncherConfig): Promise<void> {
  await using launched = await launch(config, { say, stop })
  process.stdout.write(report(config, launched))
  await aborted(stop)
  say('stopping')
}

function report(config: LauncherConfig, { started, modelServer, redis }: Launch): string {
  if (config.report === 'json') return `${JSON.stringify(started)}\n`
  const fromHere = relative(process.cwd(), started.ca)
  return bannerOf(started, {
    ca: fromHere.length < started.ca.length ? fromHere : started.ca,
    modelServer: modelServer.words,
    model: modelServer.exampleModel,
    notes: redis.kind === 'none' ? [`No Redis: ${redis.why}. Limits are the gateway's own.`] : [],
  })
}

/** Asked again, it goes on stopping: that ends within seconds by itself. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort())
  }
  return controller.signal
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
