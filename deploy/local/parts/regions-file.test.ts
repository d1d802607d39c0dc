import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRegionsFile } from './regions-file.ts'

const TEXT = JSON.stringify({
  version: 1,
  proximity: 'client',
  regions: [
    { id: 'us-east', name: 'New York', lat: 40.7, lon: -74, ingress: ['https://a.example:7443'] },
    { id: 'eu-central', name: 'Frankfurt', bias: 5, ingress: ['https://b.example:7443'] },
  ],
})

test('the regions of a run have its ingresses, and all else as the file said it', () => {
  const file = decodeRegionsFile(TEXT, undefined)
  const urls = new Map([
    ['us-east', 'https://127.0.0.1:1'],
    ['eu-central', 'https://127.0.0.1:2'],
  ])

  assert.deepEqual(file.regions, [
    { id: 'us-east', name: 'New York' },
    { id: 'eu-central', name: 'Frankfurt' },
  ])
  assert.deepEqual(JSON.parse(file.withIngresses(urls)), {
    version: 1,
    proximity: 'client',
    regions: [
      { id: 'us-east', name: 'New York', lat: 40.7, lon: -74, ingress: ['https://127.0.0.1:1'] },
      { id: 'eu-central', name: 'Frankfurt', bias: 5, ingress: ['https://127.0.0.1:2'] },
    ],
  })
})

test('only the wanted regions are taken, in the order of the file', () => {
  const ids = (wanted: readonly string[]) =>
    decodeRegionsFile(TEXT, wanted).regions.map(({ id }) => id)

  assert.deepEqual(ids(['eu-central']), ['eu-central'])
  assert.deepEqual(ids(['eu-central', 'us-east']), ['us-east', 'eu-central'])
})

test('a region that the file does not have is named beside those that it has', () => {
  assert.throws(() => decodeRegionsFile(TEXT, ['us-east', 'mars']), {
    message: 'it has no region mars, but us-east, eu-central',
  })
})

test('a file that lists no regions is refused', () => {
  assert.throws(() => decodeRegionsFile('{', undefined), SyntaxError)
  assert.throws(() => decodeRegionsFile('{}', undefined), /no list of regions/)
  assert.throws(() => decodeRegionsFile('{"regions":[]}', undefined), /no list of regions/)
  assert.throws(() => decodeRegionsFile('{"regions":[{}]}', undefined), /without an id/)
})
