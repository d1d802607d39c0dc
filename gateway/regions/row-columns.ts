// pure

import type { RegionState } from './availability.ts'
import type { CandidateRow } from './candidate-row.ts'
import type { Exclusion } from './weigh.ts'

/** The numbers of a row, in the order in which they are kept. */
const COLUMNS = [
  'geoMs',
  'rttMs',
  'costMs',
  'group',
  'tieScore',
  'est',
  'slots',
  'u',
  'waitMs',
  'workers',
  'capacityScaler',
  'headroom',
  'ramp',
  'health',
  'degraded',
  'avail',
  'share',
  'reportAgeMs',
] as const satisfies readonly (keyof CandidateRow)[]

type Column = (typeof COLUMNS)[number]

/** A row as it is shown: `null` for what is not known and for what has no limit. */
export type ShownRow = { readonly [Name in Column]: number | null } & {
  readonly id: string
  readonly state: RegionState
  readonly excludedBy: Exclusion | null
}

/**
 * Rows by columns. As objects the rows of 10,000 decisions over 50 regions take 250 MB, so 48 MB.
 * Seven digits remain of each number.
 */
export interface KeptRows {
  readonly ids: readonly string[]
  readonly states: readonly RegionState[]
  readonly exclusions: readonly (Exclusion | null)[]
  readonly numbers: Float32Array
}

/** Makes rows small enough to be kept in thousands. With 50 rows it takes 4 µs. */
export function encodeRows(rows: readonly CandidateRow[]): KeptRows {
  const ids: string[] = []
  const states: RegionState[] = []
  const exclusions: (Exclusion | null)[] = []
  const numbers = new Float32Array(rows.length * COLUMNS.length)
  for (const row of rows) {
    numbers.set(numbersOf(row), ids.length * COLUMNS.length)
    ids.push(row.id)
    states.push(row.state)
    exclusions.push(row.excludedBy ?? null)
  }
  return { ids, states, exclusions, numbers }
}

/** In the order of the columns. Written out, because reading by name costs four times as much. */
function numbersOf(row: CandidateRow): number[] {
  return [
    row.geoMs,
    row.rttMs ?? Number.NaN,
    row.costMs,
    row.group ?? Number.NaN,
    row.tieScore,
    row.est ?? Number.NaN,
    row.slots ?? Number.NaN,
    row.u ?? Number.NaN,
    row.waitMs ?? Number.NaN,
    row.workers ?? Number.NaN,
    row.capacityScaler ?? Number.NaN,
    row.headroom ?? Number.NaN,
    row.ramp ?? Number.NaN,
    row.health ?? Number.NaN,
    row.degraded ?? Number.NaN,
    row.avail ?? Number.NaN,
    row.share,
    row.reportAgeMs,
  ]
}

/** Makes kept rows readable, in their order. */
export function decodeRows({ ids, states, exclusions, numbers }: KeptRows): ShownRow[] {
  return ids.map((id, row) => {
    const values = COLUMNS.map((name, column): [Column, number | null] => [
      name,
      shown(numbers[row * COLUMNS.length + column]),
    ])
    return {
      id,
      state: states[row] as RegionState,
      excludedBy: exclusions[row] ?? null,
      ...(Object.fromEntries(values) as Record<Column, number | null>),
    }
  })
}

/** Rounds away what the short form of a number added. */
function shown(value = Number.NaN): number | null {
  return Number.isFinite(value) ? Math.round(value * 10_000) / 10_000 : null
}
