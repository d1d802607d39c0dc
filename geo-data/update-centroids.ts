// Makes centroids.json from Natural Earth's borders (README.md says where they come from):
//
//   node geo-data/update-centroids.ts <countries-10m.json of world-atlas>
//
// A centroid stands for a country's people, so it must not lie where nobody is: of each country
// only the largest piece counts and what lies near it. French Guiana would otherwise pull France
// into Spain, and Alaska the United States into Canada. Overseas parts with a code of their own
// that Natural Earth draws as part of another country are found in it by a point inside them.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Latitude and longitude in degrees. */
export type Point = readonly [lat: number, lon: number]

/** What is read of a TopoJSON file: quantised arcs, of which countries are put together. */
export interface Topology {
  readonly transform: { readonly scale: Point; readonly translate: Point } // x and y: lon and lat.
  readonly arcs: readonly (readonly Point[])[]
  readonly objects: { readonly countries: { readonly geometries: readonly Geometry[] } }
}

interface Geometry {
  readonly type: string
  readonly id?: string
  readonly properties: { readonly name: string }
  readonly arcs?: unknown
}

/** A vector whose direction is the centroid and whose length is the area, on the unit sphere. */
type AreaVector = readonly [x: number, y: number, z: number]

const NO_AREA: AreaVector = [0, 0, 0]

/** Farther pieces are another place: Corsica is near, Hawaii and the Azores are not. */
const NEAR_KM = 1_500
const EARTH_RADIUS_KM = 6371.0088

/** Codes for names that come without a number: none is in ISO 3166, GeoIP data uses XK. */
const CODES: Readonly<Record<string, string>> = {
  Kosovo: 'XK',
  'N. Cyprus': 'CY',
  Somaliland: 'SO',
}

/**
 * Parts with a code of their own: where they are drawn, a point among them, and their reach. And
 * Kiribati, which is Tarawa: its largest atoll is 3,000 km away, nearer to America than to Asia.
 */
const PARTS = [
  { code: 'GF', within: 'FR', at: [4, -53], reachKm: 300 },
  { code: 'GP', within: 'FR', at: [16.2, -61.5], reachKm: 90 },
  { code: 'MQ', within: 'FR', at: [14.6, -61], reachKm: 90 },
  { code: 'RE', within: 'FR', at: [-21.1, 55.5], reachKm: 90 },
  { code: 'YT', within: 'FR', at: [-12.8, 45.2], reachKm: 90 },
  { code: 'BQ', within: 'NL', at: [12.2, -68.3], reachKm: 90 }, // Bonaire, where most of them live.
  { code: 'SJ', within: 'NO', at: [78.5, 18], reachKm: 600 },
  { code: 'BV', within: 'NO', at: [-54.4, 3.4], reachKm: 90 },
  { code: 'TK', within: 'NZ', at: [-9.2, -171.8], reachKm: 200 },
  { code: 'CX', within: 'Indian Ocean Ter.', at: [-10.5, 105.6], reachKm: 90 },
  { code: 'KI', within: 'KI', at: [1.4, 173], reachKm: 300 },
  { code: 'CC', within: 'Indian Ocean Ter.', at: [-12.2, 96.9], reachKm: 90 },
] as const

/** Chosen by hand: the middle of where people live, which no outline shows. */
const CONTINENTS: Readonly<Record<string, Point>> = {
  AF: [5, 20],
  AN: [-80, 20],
  AS: [28, 90],
  EU: [50, 12],
  NA: [40, -95],
  OC: [-28, 145],
  SA: [-13, -57],
}

/** Computes a centroid for each two-letter code, in the order of the codes, to 0.01 degrees. */
export function centroidsOf(topology: Topology): Readonly<Record<string, Point>> {
  const pieces = piecesByCode(topology)
  const parts = PARTS.map(({ code, within, at, reachKm }) => {
    const whole = pieces.get(within) ?? []
    return [code, whole.filter((piece) => distanceKm(pointOf(piece), at) <= reachKm)] as const
  })
  const centroids = [...pieces, ...parts].flatMap(([code, own]): [string, Point][] => {
    const centroid = centroidOf(own)
    return /^[A-Z]{2}$/.test(code) && centroid !== undefined ? [[code, centroid]] : []
  })
  return Object.fromEntries(centroids.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Gathers the polygons of each code, or of each name where there is no code. */
function piecesByCode(topology: Topology): Map<string, readonly AreaVector[]> {
  const arcs = topology.arcs.map((arc) => decodeArc(arc, topology.transform))
  const pieces = new Map<string, readonly AreaVector[]>()
  for (const geometry of topology.objects.countries.geometries) {
    const { name } = geometry.properties
    const key = geometry.id === undefined ? (CODES[name] ?? name) : alphaOf(geometry.id)
    const polygons = polygonsOf(geometry).map((rings) => areaOf(rings, arcs))
    pieces.set(key, [...(pieces.get(key) ?? []), ...polygons])
  }
  return pieces
}

/** Turns an ISO 3166 number into its letters, as Unicode's canonical form of a locale does. */
function alphaOf(numericCode: string): string {
  return new Intl.Locale(`und-${numericCode}`).region ?? numericCode
}

function polygonsOf({ type, arcs }: Geometry): readonly (readonly (readonly number[])[])[] {
  if (type === 'MultiPolygon') return arcs as number[][][]
  return type === 'Polygon' ? [arcs as number[][]] : []
}

/** Points of an arc are differences of whole numbers: `[x, y]` from the point before. */
function decodeArc(arc: readonly Point[], { scale, translate }: Topology['transform']): Point[] {
  let [x, y] = [0, 0]
  return arc.map(([dx, dy]) => {
    x += dx
    y += dy
    return [y * scale[1] + translate[1], x * scale[0] + translate[0]]
  })
}

/**
 * Integrates the position over a polygon with holes: half the sum over its edges of angle times
 * normal.
 * Holes run the other way round and take their share away.
 */
function areaOf(
  rings: readonly (readonly number[])[],
  arcs: readonly (readonly Point[])[],
): AreaVector {
  const outlines = rings.map((ring) => ring.flatMap((index) => arcOf(index, arcs)).map(vectorOf))
  const edges = outlines.flatMap((points) => points.map((at, n) => edgeOf(at, points[n + 1] ?? at)))
  const sum = edges.reduce(plus, NO_AREA)
  const corner = outlines[0]?.[0] ?? NO_AREA
  if (Math.hypot(...sum) === 0) return scaled(corner, Number.EPSILON) // The Vatican is one point.
  return scaled(sum, Math.sign(dot(sum, corner))) // Whichever way round it is drawn.
}

/** A negative index is the complement of the index of an arc that runs backwards. */
function arcOf(index: number, arcs: readonly (readonly Point[])[]): readonly Point[] {
  return index < 0 ? (arcs[~index] ?? []).toReversed() : (arcs[index] ?? [])
}

function edgeOf(a: AreaVector, b: AreaVector): AreaVector {
  const normal: AreaVector = [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ]
  const sine = Math.hypot(...normal)
  return sine === 0 ? NO_AREA : scaled(normal, Math.atan2(sine, dot(a, b)) / (2 * sine))
}

function centroidOf(pieces: readonly AreaVector[]): Point | undefined {
  const [largest] = pieces.toSorted((a, b) => Math.hypot(...b) - Math.hypot(...a))
  if (largest === undefined) return undefined
  const near = pieces.filter((piece) => distanceKm(pointOf(piece), pointOf(largest)) <= NEAR_KM)
  const [lat, lon] = pointOf(near.reduce(plus, NO_AREA))
  return [Math.round(lat * 100) / 100, Math.round(lon * 100) / 100]
}

function vectorOf([lat, lon]: Point): AreaVector {
  const [phi, lambda] = [(lat * Math.PI) / 180, (lon * Math.PI) / 180]
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
}

function pointOf([x, y, z]: AreaVector): Point {
  const degrees = 180 / Math.PI
  return [Math.atan2(z, Math.hypot(x, y)) * degrees, Math.atan2(y, x) * degrees]
}

function distanceKm(a: Point, b: Point): number {
  const cosine = dot(vectorOf(a), vectorOf(b))
  return Math.acos(Math.min(1, Math.max(-1, cosine))) * EARTH_RADIUS_KM
}

function plus(a: AreaVector, b: AreaVector): AreaVector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

function scaled([x, y, z]: AreaVector, factor: number): AreaVector {
  return [x * factor, y * factor, z * factor]
}

function dot(a: AreaVector, b: AreaVector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/** Writes centroids as JSON with one place a line, so that a change of one shows as one. */
export function formatCentroids(countries: Readonly<Record<string, Point>>): string {
  const table = (places: Readonly<Record<string, Point>>) =>
    Object.entries(places)
      .map(([code, [lat, lon]]) => `    "${code}": [${lat}, ${lon}]`)
      .join(',\n')
  return `{
  "continents": {\n${table(CONTINENTS)}\n  },
  "countries": {\n${table(countries)}\n  }\n}\n`
}

if (import.meta.main) {
  const [source] = process.argv.slice(2)
  if (source === undefined) throw new Error('want the path of countries-10m.json')
  const topology = JSON.parse(await readFile(source, 'utf8')) as Topology
  const target = join(import.meta.dirname, 'centroids.json')
  await writeFile(target, formatCentroids(centroidsOf(topology)))
}
