import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How often the histogram looks, in ms; it counts this into what it measures. */
const RESOLUTION_MS = 10
/** Over how long a figure is taken, in ms. */
const WINDOW_MS = 1_000
const NS_PER_MS = 1e6

export interface EventLoopDelay {
  /**
   * Mean delay of the event loop over the last full second, in ms. The mean and not a percentile,
   * because one long collection of garbage must not make a region look down.
   */
  readonly meanMs: number
  close(): void
}

/** Measures until closed; it does not keep the process alive. */
export function watchEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  let meanMs = 0
  const timer = setInterval(() => {
    const { mean } = histogram // NaN when it has not looked once.
    meanMs = Number.isNaN(mean) ? 0 : Math.max(0, mean / NS_PER_MS - RESOLUTION_MS)
    histogram.reset()
  }, WINDOW_MS).unref()
  return {
    get meanMs() {
      return meanMs
    },
    close() {
      clearInterval(timer)
      histogram.disable()
    },
  }
}
