// Goal: each rule finds what breaks it, and leaves alone what stands beside it and is fine.
// Method: small trees. A file is a list of lines, so that a complaint's line is easy to find.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaintsOf, type RuleNumber, type Tables } from './architecture-rules.ts'
import { sourceTreeOf } from './source-tree.ts'

const tables: Tables = {
  doors: { undici: ['gateway/upstream/**'], '@langchain/core': ['regional-worker/tasks/*.ts'] },
  entryPoints: ['**/*.test.ts', '**/main.ts'],
  exceptions: [
    { rule: 2, path: 'gateway/**', about: 'type gateway/config.ts', because: 'it is a type' },
    { rule: 3, path: 'gateway/dialects/*', about: 'gateway/dialects/schema.ts', because: 'values' },
    { rule: 7, path: '*.config.ts', about: 'default export', because: 'a tool reads it' },
  ],
}

test('an empty tree breaks no rule', () => {
  for (const rule of [1, 2, 3, 4, 5, 6, 7] as const) assert.deepEqual(complaints(rule, {}), [])
})

test('rule 1: the wire imports built-ins and itself, and is imported by its short name', () => {
  const found = complaints(1, {
    'regional-worker/wire/a.ts': ["import 'node:url'", "import './b.ts'", "import 'nats'"],
    'regional-worker/wire/b.ts': ["import { c } from '../c.ts'"],
    'regional-worker/wire/b.test.ts': ["import { assert } from 'fast-check'", "import './b.ts'"],
    'regional-worker/c.ts': ["import { a } from './wire/a.ts'", "import { b } from '#wire/b.ts'"],
    'test/wire/a.test.ts': ["import { a } from '../../regional-worker/wire/a.ts'"],
  })

  assert.deepEqual(found, [
    'regional-worker/c.ts:1 rule 1: reaches into the wire by a relative path, not by #wire/',
    'regional-worker/wire/a.ts:3 rule 1: imports nats into the wire',
    'regional-worker/wire/b.ts:1 rule 1: imports ../c.ts into the wire',
    'test/wire/a.test.ts:1 rule 1: reaches into the wire by a relative path, not by #wire/',
  ])
})

test('rule 1: the gateway sees of the region its API only, in types and late imports too', () => {
  const found = complaints(1, {
    'gateway/a.ts': ["import '#wire/frames.ts'", "import type { S } from '#wire/subjects.ts'"],
    'gateway/b.ts': ["const nats = await import('../regional-worker/nats-connection.ts')"],
  })

  assert.deepEqual(found, [
    'gateway/a.ts:2 rule 1: imports regional-worker/wire/subjects.ts of the region',
    'gateway/b.ts:1 rule 1: imports regional-worker/nats-connection.ts of the region',
  ])
})

test('rule 2: ingress and worker do not import each other, and nothing imports a process', () => {
  const found = complaints(2, {
    'regional-worker/ingress/a.ts': ["import '../worker/a.ts'", "import '../nats-connection.ts'"],
    'regional-worker/ingress/a.test.ts': ["import '../worker/a.ts'"],
    'regional-worker/ingress/main.ts': ["import { a } from './a.ts'"],
    'regional-worker/worker/a.ts': ["import '../ingress/a.ts'", "import './main.ts'"],
  })

  assert.deepEqual(found, [
    'regional-worker/ingress/a.ts:1 rule 2: ' +
      'the ingress imports regional-worker/worker/a.ts, which is of the worker',
    'regional-worker/worker/a.ts:1 rule 2: ' +
      'the worker imports regional-worker/ingress/a.ts, which is of the ingress',
    'regional-worker/worker/a.ts:2 rule 2: ' +
      'imports regional-worker/worker/main.ts, which is a process',
  ])
})

test('rule 2: main joins app, app joins stories, stories join stations, and none goes back', () => {
  const found = complaints(2, {
    'gateway/main.ts': ["import './app.ts'", "import './config.ts'"],
    'gateway/app.ts': ["import './handle-task.ts'", "import './place/locate.ts'"],
    'gateway/config.ts': ["import './app.ts'"],
    'gateway/handle-task.ts': ["import './app.ts'", "import './tenants/keys.ts'"],
    'gateway/place/locate.ts': ["import { port } from '../config.ts'"],
    'gateway/tenants/keys.ts': ["import type { Keys } from '../config.ts'"],
  })

  assert.deepEqual(found, [
    'gateway/config.ts:1 rule 2: goes back to gateway/app.ts',
    'gateway/handle-task.ts:1 rule 2: goes back to gateway/app.ts',
    'gateway/place/locate.ts:1 rule 2: goes back from place to gateway/config.ts',
  ])
})

test('rule 2: an edge imports edges of its own station, and pure files of every other', () => {
  const found = complaints(2, {
    'gateway/errors.ts': ['// pure'],
    'gateway/regions/cost.ts': ['// pure'],
    'gateway/tenants/keys.ts': ["import './store.ts'", "import '../errors.ts'"],
    'gateway/tenants/load.ts': ["import '#wire/region-api.ts'"],
    'regional-worker/wire/region-api.ts': [],
    'gateway/tenants/store.ts': ["import '../regions/cost.ts'", "import '../observe/log.ts'"],
    'gateway/observe/log.ts': [''],
  })

  assert.deepEqual(found, [
    'gateway/tenants/store.ts:2 rule 2: tenants imports gateway/observe/log.ts, an edge of observe',
  ])
})

test('rule 3: a pure file imports pure files, the wire, and the harmless part of built-ins', () => {
  const found = complaints(3, {
    'gateway/a.ts': [
      '// pure',
      "import { strict } from 'node:assert'",
      "import { isIP } from 'node:net'",
      "import { connect, isIPv4 } from 'node:net'",
      "import type { Socket } from 'node:net'",
      "import { b } from './b.ts'",
      "import countries from './countries.json'",
      "import { type C, c } from './c.ts'",
      "import { frame } from '#wire/frames.ts'",
      "import { Client } from 'undici'",
      "import 'node:timers'",
    ],
    'gateway/b.ts': ['// pure'],
    'gateway/c.ts': ['// Not pure.'],
    'regional-worker/wire/frames.ts': ['// Not pure.'],
    'gateway/dialects/ollama.ts': ['// pure', "import { string } from './schema.ts'"],
  })

  assert.deepEqual(found, [
    'gateway/a.ts:4 rule 3: a pure file imports node:net, which is not pure',
    'gateway/a.ts:8 rule 3: a pure file imports ./c.ts, which is not pure',
    'gateway/a.ts:10 rule 3: a pure file imports undici, which is not pure',
    'gateway/a.ts:11 rule 3: a pure file imports node:timers, which is not pure',
  ])
})

test('rule 3: a pure file uses neither clock nor chance, timers, process or network', () => {
  const uses = [
    '// pure',
    '// Date.now() and process.env may be talked about.',
    "const text = 'Date.now()' + row.process.name + row.Date",
    'const row = { Date: 1, process: 2 }',
    'const now = Date.now()',
    'const at = new Date(0)',
    'const started = performance.now()',
    'const x = Math.random()',
    'const id = crypto.randomUUID()',
    'setTimeout(done, 10)',
    `const log = \`\${process.pid}\``,
    'const answer = await fetch(url)',
  ]

  const found = complaints(3, { 'gateway/a.ts': uses, 'gateway/b.ts': uses.slice(1) })

  assert.deepEqual(found, [
    'gateway/a.ts:5 rule 3: a pure file uses Date',
    'gateway/a.ts:6 rule 3: a pure file uses Date',
    'gateway/a.ts:7 rule 3: a pure file uses performance',
    'gateway/a.ts:8 rule 3: a pure file uses Math.random',
    'gateway/a.ts:9 rule 3: a pure file uses crypto.random',
    'gateway/a.ts:10 rule 3: a pure file uses setTimeout',
    'gateway/a.ts:11 rule 3: a pure file uses process',
    'gateway/a.ts:12 rule 3: a pure file uses fetch',
  ])
})

test('rule 4: a package is imported through its doors, except by tests', () => {
  const found = complaints(4, {
    'gateway/upstream/client.ts': ["import { Client } from 'undici'", "import 'node:http'"],
    'gateway/app.ts': ["import type { Pool } from 'undici'", "import chunk from 'lodash/chunk'"],
    'gateway/app.test.ts': ["import OpenAI from 'openai'"],
    'regional-worker/tasks/a.ts': ["import { tool } from '@langchain/core/tools'"],
  })

  assert.deepEqual(found, [
    'gateway/app.ts:1 rule 4: imports undici beside its doors (gateway/upstream/**)',
    'gateway/app.ts:2 rule 4: imports lodash, which has no door',
  ])
})

test('rule 4: nothing imports tests, load tests or the launcher, except themselves', () => {
  const found = complaints(4, {
    'gateway/app.ts': ["import './app.test.ts'", "import '../test/support/a.ts'"],
    'gateway/app.test.ts': ["import '../test/support/a.ts'"],
    'regional-worker/a.ts': ["import '../deploy/local/a.ts'", "import '../loadtest/a.ts'"],
    'deploy/local/b.ts': ["import './a.ts'"],
    'test/support/b.ts': ["import '../../deploy/local/a.ts'", "import './a.ts'"],
  })

  assert.deepEqual(found, [
    'gateway/app.ts:1 rule 4: imports gateway/app.test.ts, which is for tests',
    'gateway/app.ts:2 rule 4: imports test/support/a.ts, which is for tests',
    'regional-worker/a.ts:1 rule 4: imports deploy/local/a.ts, which only starts the others',
    'regional-worker/a.ts:2 rule 4: imports loadtest/a.ts, which is for tests',
  ])
})

test('rule 5: the environment is read in config.ts, main.ts and tests only', () => {
  const found = complaints(5, {
    'gateway/app.ts': ['// process.env', 'const { env } = process', 'run(process.env)'],
    'gateway/place/locate.ts': ["import { env } from 'node:process'", 'row.process.env'],
    'gateway/app.test.ts': ['const seed = process.env.SEED'],
    'gateway/main.ts': ['parseConfig(process.env)'],
  })

  assert.deepEqual(found, [
    'gateway/app.ts:2 rule 5: reads process.env',
    'gateway/app.ts:3 rule 5: reads process.env',
    'gateway/place/locate.ts:1 rule 5: reads process.env',
  ])
})

test('rule 5: each variable stands in .env.example and in a table of the README', () => {
  const found = complaints(5, {
    'gateway/config.ts': ["integer('GATEWAY_A', 1)", "text('GATEWAY_B', 'info')", "c('GATEWAY_A')"],
    'gateway/main.ts': ["on('SIGTERM', process.env.GATEWAY_C, env['GATEWAY_D'])"],
    'gateway/README.md': [
      '| `GATEWAY_A` |',
      '| `GATEWAY_C`, `GATEWAY_D` |',
      'GATEWAY_A=`GATEWAY_B`',
    ],
    'deploy/local/config.ts': ["text('LOCAL_PORT')"],
    '.env.example': ['GATEWAY_B=1', '# GATEWAY_C=', '#GATEWAY_D='],
  })

  assert.deepEqual(found, [
    'gateway/config.ts:1 rule 5: GATEWAY_A is not in .env.example',
    'gateway/config.ts:2 rule 5: GATEWAY_B has no row in gateway/README.md',
  ])
})

test('rule 5: each error code has a row in the README of its side', () => {
  const found = complaints(5, {
    'gateway/errors.ts': [
      'const ERRORS = {',
      '  overloaded: { status: 503 },',
      '  draining: {',
      '    status: 503,',
      '  },',
      '} as const',
    ],
    'gateway/README.md': ['| `overloaded` |'],
    'regional-worker/wire/error-codes.ts': [
      'export const REGION_ERRORS = {',
      "  'too-large': { status: 413 },",
      '  internal: { status: 500 },',
      '}',
    ],
    'regional-worker/README.md': ['| `internal` |', 'too-large'],
  })

  assert.deepEqual(found, [
    'gateway/errors.ts:3 rule 5: draining has no row in gateway/README.md',
    'regional-worker/wire/error-codes.ts:2 rule 5: ' +
      'too-large has no row in regional-worker/README.md',
  ])
})

test('rule 5: a file of error codes whose table cannot be found is no pass', () => {
  const found = complaints(5, { 'gateway/errors.ts': ["export const CODES = ['overloaded']"] })

  assert.deepEqual(found, ['gateway/errors.ts:1 rule 5: has no table `const …ERRORS = {`'])
})

test('rule 6: functions have 70 lines at most, lines 100 columns', () => {
  const steps = (count: number): string[] => Array.from({ length: count }, () => '  step()')

  const found = complaints(6, {
    'gateway/a.ts': ['function fits() {', ...steps(68), '}', `// ${'ü'.repeat(97)}`],
    'gateway/b.ts': ['', 'function grows() {', ...steps(69), '}', `// ${'ü'.repeat(98)}`],
    'gateway/c.test.ts': [`test('${'a long sentence '.repeat(7)}', async () => {`, '})'],
  })

  assert.deepEqual(found, [
    'gateway/b.ts:2 rule 6: a function has 71 lines',
    'gateway/b.ts:73 rule 6: a line has 101 columns',
  ])
})

test('rule 6: neither file nor folder is named after nothing', () => {
  const found = complaints(6, {
    'gateway/utils.ts': [],
    'gateway/index.test.ts': [],
    'gateway/lib/a.ts': [],
    'gateway/shared-view.ts': [],
  })

  assert.deepEqual(found, [
    'gateway/index.test.ts:1 rule 6: is called index',
    'gateway/lib/a.ts:1 rule 6: is called lib',
    'gateway/utils.ts:1 rule 6: is called utils',
  ])
})

test('rule 7: a file that only tests import, or only itself names, is dead', () => {
  const found = complaints(7, {
    'gateway/dead.ts': [],
    'gateway/dead.test.ts': ["import './dead.ts'"],
    'gateway/main.ts': ["import { used } from './used.ts'"],
    'gateway/used.ts': ["const page = new URL('./spawned.ts', import.meta.url)"],
    'gateway/spawned.ts': [],
    'gateway/vain.ts': ["const usage = 'node gateway/vain.ts'"],
    'test/all.test.ts': [
      "import '../gateway/vain.ts'",
      "import '../gateway/used.ts'",
      "import '../gateway/spawned.ts'",
      "spawn('gateway/main.ts')",
    ],
    'test/support/dead.ts': [],
  })

  assert.deepEqual(found, [
    'gateway/dead.ts:1 rule 7: nothing imports or starts it',
    'gateway/vain.ts:1 rule 7: nothing imports or starts it',
    'test/support/dead.ts:1 rule 7: nothing imports or starts it',
  ])
})

test('rule 7: a script lives by a command that names it, in a manifest or on a page', () => {
  const found = complaints(7, {
    'package.json': ['{ "scripts": { "bench": "node loadtest/bench.ts" } }'],
    'loadtest/README.md': ['`k6 run soak.ts` runs for hours; `old.ts` ran for days.'],
    'loadtest/bench.ts': [],
    'loadtest/soak.ts': [],
    'loadtest/old.ts': [],
  })

  assert.deepEqual(found, ['loadtest/old.ts:1 rule 7: nothing imports or starts it'])
})

test('rule 7: each source is imported by a test, or started by one if it is a process', () => {
  const found = complaints(7, {
    'gateway/main.ts': ["import './app.ts'"],
    'gateway/app.ts': [],
    'gateway/app.test.ts': ["import './app-support.ts'", "const path = './app.ts'"],
    'regional-worker/ingress/main.ts': [],
    'test/support/start.ts': [
      "import '../../gateway/app.ts'",
      "spawn('regional-worker/ingress/main.ts')",
    ],
    'test/a.test.ts': ["import './support/start.ts'"],
    'test/architecture.test.ts': ["const table = ['gateway/main.ts']"],
  })

  assert.deepEqual(found, [
    'gateway/app.ts:1 rule 7: no test names it',
    'gateway/main.ts:1 rule 7: no test names it',
  ])
})

test('rule 7: a TODO has a name, and only the configuration of tools has a default export', () => {
  const found = complaints(7, {
    'test/a.test.ts': [
      "import '../vite.config.ts'",
      '/* Two lines:',
      ' * TODO: later. TODO(ana): when Node reads it. */',
      "const text = 'TODO'",
      'export default text',
      'export { text as default }',
    ],
    'vite.config.ts': ['export default {}'],
    'package.json': ['vite --config vite.config.ts'],
  })

  assert.deepEqual(found, [
    'test/a.test.ts:3 rule 7: a TODO has no name',
    'test/a.test.ts:5 rule 7: it has a default export',
    'test/a.test.ts:6 rule 7: it has a default export',
  ])
})

function complaints(rule: RuleNumber, files: Record<string, readonly string[]>): string[] {
  const texts = Object.entries(files).map(([path, lines]) => ({ path, text: lines.join('\n') }))
  return complaintsOf(rule, sourceTreeOf(texts), tables)
}
