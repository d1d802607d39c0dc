import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseRegions, type Regions } from './region.ts'

const SHIPPED = readFileSync(join(import.meta.dirname, '../../geo-data/regions.json'), 'utf8')
const FRANKFURT = {
  id: 'eu-central',
  lat: 50.1109,
  lon: 8.6821,
  ingress: ['https://ingress.eu-central.example:7443'],
}
const DIGEST = `sha256:${'0a'.repeat(32)}`

function parsed(file: unknown): Regions {
  const result = parseRegions(JSON.stringify(file))
  assert.equal(result.kind, 'regions', JSON.stringify(result))
  assert.ok(result.kind === 'regions')
  return result
}

function problemsOf(file: unknown): readonly string[] {
  const result = parseRegions(typeof file === 'string' ? file : JSON.stringify(file))
  return result.kind === 'problems' ? result.problems : []
}

/** The problems of a sound file with one region, of which some fields are replaced. */
function problemsWith(fields: object): readonly string[] {
  const region = { ...FRANKFURT, ...fields }
  return problemsOf({ version: 1, residencyTags: ['eu', 'us'], regions: [region] })
}

test('the file of the project names New York, Frankfurt and Singapore', () => {
  const { proximity, residencyTags, regions } = parsed(JSON.parse(SHIPPED))

  assert.equal(proximity, 'client')
  assert.deepEqual(residencyTags, ['us', 'eu', 'gdpr', 'ap'])
  assert.deepEqual(
    regions.map(({ id, residencyTags: tags }) => [id, ...tags]),
    [
      ['us-east', 'us'],
      ['eu-central', 'eu', 'gdpr'],
      ['ap-southeast', 'ap'],
    ],
  )
})

test('what a region does not say has its default', () => {
  const { regions } = parsed({ version: 1, regions: [FRANKFURT] })

  assert.deepEqual(regions[0], {
    ...FRANKFURT,
    name: 'eu-central',
    residencyTags: [],
    bias: 0,
    capacityScaler: 1,
    admin: 'active',
    models: new Map(),
    maxSlots: 256,
  })
})

test('a region keeps everything that it says', () => {
  const said = {
    ...FRANKFURT,
    name: 'Frankfurt',
    residencyTags: ['eu'],
    bias: -90,
    capacityScaler: 0,
    admin: 'drain',
    models: { qwen3: { digest: DIGEST } },
    maxSlots: 8,
  }
  const { regions, proximity } = parsed({
    version: 1,
    proximity: 'edge',
    residencyTags: ['eu'],
    regions: [said],
  })

  assert.equal(proximity, 'edge')
  assert.deepEqual(regions[0], { ...said, models: new Map([['qwen3', { digest: DIGEST }]]) })
})

test('origins may have ports and loopback hosts, and are written in their canonical form', () => {
  const ingress = ['https://127.0.0.1:17443', 'HTTPS://Ingress.Example:443/', 'https://[::1]:7443']
  const { regions } = parsed({ version: 1, regions: [{ ...FRANKFURT, ingress }] })

  assert.deepEqual(regions[0]?.ingress, [
    'https://127.0.0.1:17443',
    'https://ingress.example',
    'https://[::1]:7443',
  ])
})

const PROBLEMS: readonly [fields: object, problem: string][] = [
  [{ colour: 'red' }, 'regions[0].colour: is no field'],
  [{ id: undefined }, 'regions[0].id: is missing, want lower case letters, digits and hyphens'],
  [{ id: 'EU' }, 'regions[0].id: want lower case letters, digits and hyphens, as in eu-central'],
  [{ id: 'e' }, 'regions[0].id: want lower case'],
  [{ id: 'e'.repeat(33) }, 'regions[0].id: want lower case'],
  [{ name: '' }, 'regions[0].name: want 1 to 64 characters, not ""'],
  [{ lat: 90.1 }, 'regions[0].lat: want a number from -90 to 90, not 90.1'],
  [{ lon: -180.1 }, 'regions[0].lon: want a number from -180 to 180, not -180.1'],
  [{ lon: '8' }, 'regions[0].lon: want a number from -180 to 180, not "8"'],
  [{ lat: null }, 'regions[0].lat: want a number from -90 to 90, not null'],
  [{ bias: 91 }, 'regions[0].bias: want a number from -90 to 90, not 91'],
  [{ capacityScaler: 1.1 }, 'regions[0].capacityScaler: want a number from 0 to 1, not 1.1'],
  [{ admin: 'on' }, 'regions[0].admin: want "active" or "drain" or "off", not "on"'],
  [{ maxSlots: 0 }, 'regions[0].maxSlots: want an integer from 1 to 65536, not 0'],
  [{ maxSlots: 2.5 }, 'regions[0].maxSlots: want an integer from 1 to 65536, not 2.5'],
  [{ residencyTags: ['mars'] }, 'regions[0].residencyTags[0]: want a tag of the vocabulary'],
  [{ residencyTags: ['eu', 'eu'] }, 'regions[0].residencyTags[1]: "eu" is there twice'],
  [{ residencyTags: 'eu' }, 'regions[0].residencyTags: want a list, not "eu"'],
  [{ ingress: undefined }, 'regions[0].ingress: is missing, want a list'],
  [{ ingress: [] }, 'regions[0].ingress: has 0 entries, want 1 to 32'],
  [{ ingress: ['http://x.example'] }, 'regions[0].ingress[0]: want an HTTPS origin'],
  [{ ingress: ['https://x.example/path'] }, 'regions[0].ingress[0]: want an HTTPS origin'],
  [{ ingress: ['https://x.example?q'] }, 'regions[0].ingress[0]: want an HTTPS origin'],
  [{ ingress: ['https://me@x.example'] }, 'regions[0].ingress[0]: want an HTTPS origin'],
  [{ ingress: ['x.example:7443'] }, 'regions[0].ingress[0]: want an HTTPS origin'],
  [{ models: [] }, 'regions[0].models: want an object, not []'],
  [{ models: { a: {} } }, 'regions[0].models.a.digest: is missing, want sha256:'],
  [{ models: { a: { digest: 'x' } } }, 'regions[0].models.a.digest: want sha256:'],
  [{ models: { a: { digest: DIGEST, tag: 1 } } }, 'regions[0].models.a.tag: is no field'],
]

for (const [fields, problem] of PROBLEMS) {
  test(`a region with ${JSON.stringify(fields).slice(0, 60)} is refused for that alone`, () => {
    const problems = problemsWith(fields)

    assert.equal(problems.length, 1, problems.join('\n'))
    assert.ok(problems[0]?.startsWith(problem), problems[0])
  })
}

const FILES: readonly [file: unknown, problems: readonly string[]][] = [
  ['{', ['the file: is no JSON']],
  ['', ['the file: is no JSON']],
  [' '.repeat(1_048_577), ['the file: is longer than 1048576 characters']],
  [[], ['the file: want an object, not []']],
  [null, ['the file: want an object, not null']],
  [{ version: 1, regions: [] }, ['regions: has 0 entries, want 1 to 200']],
  [{ version: 1 }, ['regions: is missing, want a list']],
  [{ version: 2, regions: [FRANKFURT] }, ['version: want 1, not 2']],
  [{ regions: [FRANKFURT] }, ['version: is missing, want 1']],
  [{ version: 1, regions: [5] }, ['regions[0]: want an object, not 5']],
  [
    { version: 1, proximity: 'moon', regions: [FRANKFURT] },
    ['proximity: want "client" or "edge", not "moon"'],
  ],
  [
    { version: 1, residencyTags: ['EU'], regions: [FRANKFURT] },
    ['residencyTags[0]: want a tag, as in eu, not "EU"'],
  ],
]

for (const [file, problems] of FILES) {
  const shown = (typeof file === 'string' ? file : JSON.stringify(file)).slice(0, 50)
  test(`a file ${JSON.stringify(shown)} is refused by name`, () => {
    assert.deepEqual(problemsOf(file), problems)
  })
}

test('two regions cannot have one id or one door', () => {
  const twin = { ...FRANKFURT, ingress: [...FRANKFURT.ingress, 'https://second.example'] }

  assert.deepEqual(problemsOf({ version: 1, regions: [FRANKFURT, twin] }), [
    'regions[1].id: "eu-central" is there twice',
    'regions[1].ingress: https://ingress.eu-central.example:7443 belongs to eu-central',
  ])
})

test('all problems of a file are named at once', () => {
  const problems = problemsOf({
    version: 1,
    colour: 'red',
    regions: [{ ...FRANKFURT, lat: 95 }, { ...FRANKFURT, id: 'us-east', admin: 1 }, 7],
  })

  assert.deepEqual(problems, [
    'colour: is no field',
    'regions[2]: want an object, not 7',
    'regions[0].lat: want a number from -90 to 90, not 95',
    'regions[1].admin: want "active" or "drain" or "off", not 1',
    'regions[1].ingress: https://ingress.eu-central.example:7443 belongs to eu-central',
  ])
})

test('a model may have any name, that of a prototype included', () => {
  const text = `{"version":1,"regions":[${JSON.stringify(FRANKFURT).slice(0, -1)},
    "models":{"__proto__":{"digest":"${DIGEST}"}}}]}`
  const result = parseRegions(text)

  assert.ok(result.kind === 'regions')
  assert.deepEqual([...(result.regions[0]?.models ?? [])], [['__proto__', { digest: DIGEST }]])
})

test('no text and no JSON makes the parser throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.equal(parseRegions(text).kind, 'problems')
    }),
  )
})

test('a sound file stays sound when what it says is written out again', () => {
  const first = parsed(JSON.parse(SHIPPED))
  const { kind, regions, ...rest } = first
  const again = parsed({
    ...rest,
    regions: regions.map((region) => ({ ...region, models: Object.fromEntries(region.models) })),
  })

  assert.deepEqual(again, first)
})
