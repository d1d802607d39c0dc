// pure
// What gateways write about regions for each other, and how it is read. Everything read is foreign:
// other builds, other programs and people write there too. What is not as it should be counts as
// not written.

import type { HealthState } from './health-states.ts'

/** What one gateway thinks of one region. */
export interface ViewRecord {
  readonly kind: HealthState['kind']
  /** How long it has thought so, in ms. No point in time: two gateways have two clocks. */
  readonly forMs: number
}

/** An operator's last word on a region. "Not drained" is a word too, and not the lack of one. */
export interface DrainRecord {
  readonly isDrained: boolean
  /** Who said it: 1 to 64 characters, none of them for control. */
  readonly by: string
  /** By the wall clock of the gateway that was told. */
  readonly atMs: number
}

/** One line of the record of drains. */
export interface DrainAudit extends DrainRecord {
  readonly regionId: string
  readonly gatewayId: string
}

const KINDS = {
  healthy: true,
  suspect: true,
  down: true,
  ejected: true,
  probing: true,
  draining: true,
} as const satisfies Record<HealthState['kind'], true>

const TEXT_CHARS_MAX = 512
const FOR_MS_MAX = 1e12 // Some thirty years.
const NAME_CHARS_MAX = 64
/** Clocks that differ by more have trouble with certificates long before. */
const AHEAD_MS_MAX = 86_400_000

const REGION_ID = /^[a-z][a-z0-9-]{1,31}$/
const GATEWAY_ID = /^[a-z0-9]{1,16}$/
const NAME = new RegExp(`^[^\\p{C}]{1,${NAME_CHARS_MAX}}$`, 'u')
const OUT_OF_NAME = /\p{C}/gu

export function isRegionId(value: unknown): value is string {
  return typeof value === 'string' && REGION_ID.test(value)
}

export function isGatewayId(value: unknown): value is string {
  return typeof value === 'string' && GATEWAY_ID.test(value)
}

/** The names under which things lie. All ids in them are valid ones. */
export interface SharedKeys {
  /** A gateway's sign of life, which vanishes when it gives none for a while. */
  life(gatewayId: string): string
  view(regionId: string, gatewayId: string): string
  /** Gateways by the time of their last sign of life: an index, since nobody may list keys. */
  readonly gateways: string
  /** Region id → drain record. */
  readonly drains: string
  /** Newest first. */
  readonly drainAudit: string
}

export function sharedKeys(prefix: string): SharedKeys {
  return {
    life: (gatewayId) => `${prefix}gateway:${gatewayId}`,
    view: (regionId, gatewayId) => `${prefix}region:${regionId}:${gatewayId}`,
    gateways: `${prefix}gateways`,
    drains: `${prefix}drains`,
    drainAudit: `${prefix}audit:drains`,
  }
}

/** Cuts and mends what an operator is called, so that it can be a drain's `by`. */
export function operatorName(text: string): string {
  const mended = text.replace(OUT_OF_NAME, '?').trim()
  return [...mended].slice(0, NAME_CHARS_MAX).join('') || 'unknown'
}

export function encodeView({ kind, forMs }: ViewRecord): string {
  return JSON.stringify({ state: kind, forMs: Math.max(0, Math.round(forMs)) })
}

/** @returns `undefined` for anything that is no view, a state of a later build for example. */
export function parseView(value: unknown): ViewRecord | undefined {
  const { state, forMs } = fieldsOf(value)
  if (!isKind(state) || !isNumberIn(forMs, FOR_MS_MAX)) return undefined
  return { kind: state, forMs }
}

export function encodeDrain({ isDrained, by, atMs }: DrainRecord): string {
  return JSON.stringify({ drained: isDrained, by, atMs })
}

/** @returns `undefined` for anything that is no drain, one of a far future for example. */
export function parseDrain(value: unknown, wallClockMs: number): DrainRecord | undefined {
  const { drained, by, atMs } = fieldsOf(value)
  if (typeof drained !== 'boolean' || typeof by !== 'string' || !NAME.test(by)) return undefined
  // A record that nothing could be newer than would bind the region for ever.
  if (!isNumberIn(atMs, wallClockMs + AHEAD_MS_MAX)) return undefined
  return { isDrained: drained, by, atMs }
}

export function encodeAudit({ regionId, gatewayId, isDrained, by, atMs }: DrainAudit): string {
  return JSON.stringify({ region: regionId, drained: isDrained, by, atMs, gateway: gatewayId })
}

/** @returns `undefined` for anything that is no line of the record. */
export function parseAudit(value: unknown, wallClockMs: number): DrainAudit | undefined {
  const { region, gateway } = fieldsOf(value)
  const drain = parseDrain(value, wallClockMs)
  if (drain === undefined || !isRegionId(region) || !isGatewayId(gateway)) return undefined
  return { ...drain, regionId: region, gatewayId: gateway }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'string' || value.length > TEXT_CHARS_MAX) return {}
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}

function isKind(value: unknown): value is HealthState['kind'] {
  return typeof value === 'string' && Object.hasOwn(KINDS, value)
}

function isNumberIn(value: unknown, max: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= max
}
