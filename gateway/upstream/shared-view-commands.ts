// pure
// The words in which gateways share: which commands are sent for a purpose, and what their replies
// say. All commands of a purpose make one round trip.

import { gatherViews, type SharedViews } from './agreed-views.ts'
import type { HealthState } from './health-states.ts'
import { listIn, type RedisCommand, type RedisReply, valueIn } from './redis-replies.ts'
import type { Drains } from './shared-drains.ts'
import {
  type DrainAudit,
  type DrainRecord,
  encodeAudit,
  encodeDrain,
  encodeView,
  isGatewayId,
  parseAudit,
  parseDrain,
  type SharedKeys,
} from './shared-view-records.ts'

/** Every command that is sent, so that a Redis user need be allowed no other. */
export const SHARED_VIEW_COMMANDS = [
  'hmget',
  'hset',
  'lpush',
  'lrange',
  'ltrim',
  'mget',
  'pttl',
  'set',
  'zadd',
  'zrange',
  'zremrangebyscore',
] as const

/** What this gateway thinks of a region since when, by its own clock. */
export interface OwnView {
  readonly regionId: string
  readonly kind: HealthState['kind']
  readonly sinceMs: number
}

const GATEWAYS_MAX = 64
/** Gateways that were silent for so long leave the index; clocks that differ by more are broken. */
const INDEX_AGE_MS_MAX = 3_600_000
const AUDIT_MAX = 1_000
const AUDIT_READ_MAX = 100

/**
 * Gives a sign of life and all views. They live equally long, so they vanish together. The first
 * reply is the sign of life that stood there before.
 */
export function publishCommands(
  keys: SharedKeys,
  facts: {
    readonly gatewayId: string
    /** Tells this process from another that was given the same id. */
    readonly instance: string
    readonly views: readonly OwnView[]
    readonly ttlMs: number
    readonly nowMs: number
    readonly wallClockMs: number
  },
): RedisCommand[] {
  const { gatewayId, instance, views, ttlMs, nowMs, wallClockMs } = facts
  return [
    ['set', keys.life(gatewayId), instance, 'PX', ttlMs, 'GET'],
    ['zadd', keys.gateways, wallClockMs, gatewayId],
    ['zremrangebyscore', keys.gateways, '-inf', wallClockMs - INDEX_AGE_MS_MAX],
    ...views.map(({ regionId, kind, sinceMs }): RedisCommand => {
      const text = encodeView({ kind, forMs: nowMs - sinceMs })
      return ['set', keys.view(regionId, gatewayId), text, 'PX', ttlMs]
    }),
  ]
}

/** Asks for drains, for the index of gateways, and which of those known so far are alive. */
export function lookCommands(
  keys: SharedKeys,
  facts: { readonly regionIds: readonly string[]; readonly others: readonly string[] },
): RedisCommand[] {
  return [
    ['hmget', keys.drains, ...facts.regionIds],
    indexCommand(keys),
    ...facts.others.map((gatewayId): RedisCommand => ['pttl', keys.life(gatewayId)]),
  ]
}

export interface Look {
  /** `undefined` when they were refused, which is not the same as none. */
  readonly drains: Drains | undefined
  /** Regions whose drain nobody can read. */
  readonly unreadable: readonly string[]
  /** Of the index; `undefined` when it was refused. */
  readonly gatewayIds: readonly string[] | undefined
  /** How many of those that were asked about are alive. */
  readonly alive: number
}

export function readLook(
  [drains, index, ...lives]: readonly RedisReply[],
  facts: { readonly regionIds: readonly string[]; readonly wallClockMs: number },
): Look {
  const read = new Map<string, DrainRecord>()
  const unreadable: string[] = []
  const texts = listIn(drains)
  for (const [at, regionId] of facts.regionIds.entries()) {
    const text = texts[at] ?? null
    if (text === null) continue
    const drain = parseDrain(text, facts.wallClockMs)
    if (drain === undefined) unreadable.push(regionId)
    else read.set(regionId, drain)
  }
  return {
    drains: drains?.kind === 'value' ? read : undefined,
    unreadable,
    gatewayIds: index?.kind === 'value' ? readIndex(index) : undefined,
    alive: lives.filter((life) => leftMsIn(life) !== undefined).length,
  }
}

/** Writes at least one drain. */
export function tellCommand(keys: SharedKeys, drains: Drains): RedisCommand {
  const fields = [...drains].flatMap(([regionId, drain]) => [regionId, encodeDrain(drain)])
  return ['hset', keys.drains, ...fields]
}

/** Adds at least one word to the record, the oldest first, and keeps the newest 1,000. */
export function writeDownCommands(keys: SharedKeys, words: readonly DrainAudit[]): RedisCommand[] {
  return [
    ['lpush', keys.drainAudit, ...words.map(encodeAudit)],
    ['ltrim', keys.drainAudit, 0, AUDIT_MAX - 1],
  ]
}

/** Asks for the gateways there are, the newest sign of life first. */
export function indexCommand(keys: SharedKeys): RedisCommand {
  return ['zrange', keys.gateways, 0, GATEWAYS_MAX - 1, 'REV']
}

/** Reads the index. What is no id of a gateway is left out, and everything when it was refused. */
export function readIndex(reply: RedisReply | undefined): readonly string[] {
  return listIn(reply).filter(isGatewayId).slice(0, GATEWAYS_MAX)
}

interface ViewsAskedFor {
  readonly gatewayIds: readonly string[]
  readonly regionIds: readonly string[]
}

/** Asks for the views of at least one gateway on at least one region, and who of them is alive. */
export function viewsCommands(
  keys: SharedKeys,
  { gatewayIds, regionIds }: ViewsAskedFor,
): RedisCommand[] {
  const names = gatewayIds.flatMap((gatewayId) =>
    regionIds.map((regionId) => keys.view(regionId, gatewayId)),
  )
  return [
    ['mget', ...names],
    ...gatewayIds.map((gatewayId): RedisCommand => ['pttl', keys.life(gatewayId)]),
  ]
}

export function readViews(
  [values, ...lives]: readonly RedisReply[],
  facts: ViewsAskedFor & { readonly ttlMs: number },
): SharedViews {
  return gatherViews({ ...facts, values: listIn(values), leftMs: lives.map(leftMsIn) })
}

/** Asks for the newest words of operators. */
export function auditCommand(keys: SharedKeys): RedisCommand {
  return ['lrange', keys.drainAudit, 0, AUDIT_READ_MAX - 1]
}

/** Reads them, newest first. What is no such word is left out. */
export function readAudit(reply: RedisReply | undefined, wallClockMs: number): DrainAudit[] {
  return listIn(reply).flatMap((text) => parseAudit(text, wallClockMs) ?? [])
}

/** How long a sign of life has still to live; one that would live for ever is none. */
function leftMsIn(reply: RedisReply | undefined): number | undefined {
  const leftMs = valueIn(reply)
  return typeof leftMs === 'number' && leftMs > 0 ? leftMs : undefined
}
