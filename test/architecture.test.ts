// Holds the rules of the architecture over the whole tree, so that no reviewer has to. What a rule
// looks at stands in `support/architecture-rules.ts`; what is allowed where stands here.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { complaintsOf, type RuleNumber, type Tables } from './support/architecture-rules.ts'
import { readFiles, sourceTreeOf } from './support/source-tree.ts'

const tables: Tables = {
  doors: {
    fastify: ['gateway/downstream/**', 'gateway/admin/**', 'gateway/routes.ts'],
    typebox: ['gateway/dialects/schema.ts'],
    ioredis: ['gateway/tenants/**', 'gateway/upstream/shared-view.ts'],
    '@maxmind/geoip2-node': ['gateway/place/geoip-database.ts'],
    'geolite2-city': [], // Data: its address is resolved, nothing of it is imported.
    undici: ['gateway/upstream/**', 'regional-worker/worker/**'],
    nats: ['regional-worker/nats-connection.ts'],
    '@langchain/core': ['regional-worker/worker/**', 'regional-worker/tasks/**'],
    '@langchain/ollama': ['regional-worker/worker/**', 'regional-worker/tasks/**'],
    pino: ['gateway/observe/**', 'regional-worker/observe/**'],
    'prom-client': ['gateway/observe/**', 'regional-worker/observe/**'],
    '@peculiar/x509': ['deploy/local/**'],
    'reflect-metadata': ['deploy/local/**'],
  },
  entryPoints: [
    '**/*.test.{ts,tsx}',
    '**/main.{ts,tsx}', // A process by its name, or the script of a page.
    '**/*.config.{ts,js}', // Its tool finds it by its name.
    '**/*.d.ts',
  ],
  exceptions: [
    {
      rule: 2,
      path: 'gateway/**',
      about: 'type gateway/config.ts',
      because: 'a station declares which knobs it is handed, and reads none',
    },
    {
      rule: 3,
      path: 'gateway/**',
      about: 'type gateway/config.ts',
      because: 'a type brings no I/O with it',
    },
    {
      rule: 3,
      path: 'gateway/dialects/*.ts',
      about: 'gateway/dialects/schema.ts',
      because: 'the door of typebox turns values into values: no I/O, clock or chance',
    },
    {
      rule: 7,
      path: '**/*.config.{ts,js}',
      about: 'default export',
      because: 'tools read the default export of their configuration',
    },
    {
      rule: 7,
      path: 'loadtest/**',
      about: 'default export',
      because: 'k6 runs the default export of a scenario',
    },
  ],
}

const tree = sourceTreeOf(readFiles(join(import.meta.dirname, '..')))

test('rule 1: the wire imports built-ins only, the gateway of the region only its API', () => {
  assertHeld(1)
})

test('rule 2: no edge imports another side or station; main → app → stations, never back', () => {
  assertHeld(2)
})

test('rule 3: pure files import only pure files and use no clock, chance or process', () => {
  assertHeld(3)
})

test('rule 4: a package is imported through its doors only; nothing imports test or deploy', () => {
  assertHeld(4)
})

test('rule 5: config.ts and main.ts alone read process.env; all they read is documented', () => {
  assertHeld(5)
})

test('rule 6: no function is over 70 lines, no line over 100 columns, no file called utils', () => {
  assertHeld(6)
})

test('rule 7: no file is without importer and test, no TODO nameless, no export a default', () => {
  assertHeld(7)
})

function assertHeld(rule: RuleNumber): void {
  const complaints = complaintsOf(rule, tree, tables)
  assert.ok(complaints.length === 0, `${complaints.length} complaints\n${complaints.join('\n')}`)
}
