import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countryCentroid } from '../gateway/place/centroids.ts'
import { centroidsOf, formatCentroids, type Point, type Topology } from './update-centroids.ts'

type Ring = readonly Point[]

/** A topology of countries in whole degrees, each ring an arc of its own. */
function topologyOf(
  countries: readonly { id?: string; name: string; polygons: readonly (readonly Ring[])[] }[],
): Topology {
  const arcs: Point[][] = []
  const geometries = countries.map(({ polygons, name, ...rest }) => ({
    ...rest,
    type: 'MultiPolygon',
    properties: { name },
    arcs: polygons.map((rings) => rings.map((ring) => [arcs.push(differencesOf(ring)) - 1])),
  }))
  return {
    transform: { scale: [1, 1], translate: [-180, -90] },
    arcs,
    objects: { countries: { geometries } },
  }
}

/** Points as TopoJSON writes them: x and y from the corner of the map, each from the one before. */
function differencesOf(ring: Ring): Point[] {
  const shifted = ring.map(([lat, lon]): Point => [lon + 180, lat + 90])
  return shifted.map(([x, y], at) => {
    const [lastX, lastY] = shifted[at - 1] ?? [0, 0]
    return [x - lastX, y - lastY]
  })
}

/** A square of `size` degrees around a point. */
function square([lat, lon]: Point, size: number): Ring {
  const half = size / 2
  return [
    [lat - half, lon - half],
    [lat - half, lon + half],
    [lat + half, lon + half],
    [lat + half, lon - half],
    [lat - half, lon - half],
  ]
}

function near(actual: Point | undefined, [lat, lon]: Point, degrees: number): void {
  assert.ok(actual)
  assert.ok(Math.abs(actual[0] - lat) <= degrees, `${actual}`)
  assert.ok(Math.abs(actual[1] - lon) <= degrees, `${actual}`)
}

test('the centroid of one piece is its middle, whichever way round it is drawn', () => {
  const ring = square([10, 20], 4)
  for (const drawn of [ring, ring.toReversed()]) {
    const topology = topologyOf([{ id: '276', name: 'Germany', polygons: [[drawn]] }])
    near(centroidsOf(topology).DE, [10, 20], 0.1)
  }
})

test('a hole moves the centroid away from itself', () => {
  const hole = square([10, 21], 2).toReversed()
  const topology = topologyOf([
    { id: '276', name: 'Germany', polygons: [[square([10, 20], 6), hole]] },
  ])

  near(centroidsOf(topology).DE, [10, 19.87], 0.05)
})

test('pieces near the largest one count, and far ones do not', () => {
  const largest = [square([10, 20], 4)]
  const island = [square([10, 26], 4)]
  const overseas = [square([-40, 120], 3)]
  const topology = topologyOf([
    { id: '276', name: 'Germany', polygons: [overseas, largest, island] },
  ])

  near(centroidsOf(topology).DE, [10, 23], 0.2)
})

test('a country across the date line has its centroid there, not on the other side', () => {
  const west = [square([-17, 178], 4)]
  const east = [square([-17, -178], 4)]
  const { FJ } = centroidsOf(topologyOf([{ id: '242', name: 'Fiji', polygons: [west, east] }]))

  assert.ok(FJ && Math.abs(FJ[1]) > 179, `${FJ}`)
})

test('a part with a code of its own is found in the country that it is drawn with', () => {
  const mainland = [square([46, 2], 6)]
  const guiana = [square([4, -53], 3)]
  const centroids = centroidsOf(
    topologyOf([{ id: '250', name: 'France', polygons: [guiana, mainland] }]),
  )

  near(centroids.FR, [46, 2], 0.2)
  near(centroids.GF, [4, -53], 0.1)
})

test('a country that is one point has its centroid there', () => {
  const point: Ring = [
    [42, 12],
    [42, 12],
  ]
  const centroids = centroidsOf(topologyOf([{ id: '336', name: 'Vatican', polygons: [[point]] }]))

  near(centroids.VA, [42, 12], 0.01)
})

test('names without a number have their code, and other names are left out', () => {
  const centroids = centroidsOf(
    topologyOf([
      { name: 'Kosovo', polygons: [[square([42, 21], 1)]] },
      { name: 'Siachen Glacier', polygons: [[square([35, 77], 1)]] },
    ]),
  )

  assert.deepEqual(Object.keys(centroids), ['XK'])
})

test('arcs that are shared by neighbours run backwards for one of them', () => {
  const [a, b, c, d]: Point[] = [
    [0, 0],
    [0, 4],
    [4, 4],
    [4, 0],
  ]
  assert.ok(a && b && c && d)
  const topology: Topology = {
    transform: { scale: [1, 1], translate: [-180, -90] },
    arcs: [differencesOf([b, c]), differencesOf([c, d, a, b]), differencesOf([c, [2, 9], b])],
    objects: {
      countries: {
        geometries: [
          { type: 'Polygon', id: '276', properties: { name: 'West' }, arcs: [[0, 1]] },
          { type: 'Polygon', id: '756', properties: { name: 'East' }, arcs: [[-1, -3]] },
        ],
      },
    },
  }
  const centroids = centroidsOf(topology)

  near(centroids.DE, [2, 2], 0.05)
  near(centroids.CH, [2, 5.67], 0.05)
})

test('the table is written in the form that is read, one place a line', () => {
  const text = formatCentroids({ SG: [1.36, 103.81], US: [39.89, -98.82] })
  const { countries, continents } = JSON.parse(text)

  assert.deepEqual(countries, { SG: [1.36, 103.81], US: [39.89, -98.82] })
  assert.equal(Object.keys(continents).length, 7)
  assert.match(text, /^ {4}"SG": \[1\.36, 103\.81\],$/m)
})

test('the table of the project is in use', () => {
  assert.deepEqual(countryCentroid('SG'), { lat: 1.36, lon: 103.81 })
})
