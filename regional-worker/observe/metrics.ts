// The door of prom-client for the processes of a region.

import {
  collectDefaultMetrics,
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from 'prom-client'

/** One value for each label of the metric; `{}` where it has none. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>

export interface Counter<Name extends string> {
  inc(labels: Labels<Name>, by?: number): void
}

export interface Histogram<Name extends string> {
  observe(labels: Labels<Name>, value: number): void
}

export interface Gauge<Name extends string> {
  set(labels: Labels<Name>, value: number): void
}

/** The metrics of one process. A name may be used once; units stand at its end, in base units. */
export interface Metrics {
  counter<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
  ): Counter<Name>
  /** `buckets` are upper bounds, rising. */
  histogram<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
    buckets: readonly number[],
  ): Histogram<Name>
  /** `collect`, when given, sets the values each time that they are asked for. */
  gauge<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
    collect?: (gauge: Gauge<Name>) => void,
  ): Gauge<Name>
  /** Writes everything in Prometheus's text format. */
  text(): Promise<string>
}

/** Content type of `Metrics.text`. */
export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE

/** Makes a registry of its own, with Node's process metrics, all of it labelled with the role. */
export function createMetrics(role: 'ingress' | 'worker'): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ role })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    counter: (name, help, labelNames) => new PromCounter({ name, help, labelNames, registers }),
    histogram: (name, help, labelNames, buckets) =>
      new PromHistogram({ name, help, labelNames, buckets: [...buckets], registers }),
    gauge: (name, help, labelNames, collect) => {
      const gauge = new PromGauge({
        name,
        help,
        labelNames,
        registers,
        // Runs when values are asked for, so never before there is a gauge.
        ...(collect === undefined ? {} : { collect: (): void => collect(gauge) }),
      })
      return gauge
    },
    text: () => registry.metrics(),
  }
}
