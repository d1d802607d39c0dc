import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, EnvironmentReader } from './read-environment.ts'

test('what is absent or empty takes its fallback', () => {
  const read = new EnvironmentReader({ EMPTY: ' ' })

  assert.equal(read.integer('EMPTY', 5, 0, 10), 5)
  assert.equal(read.text('ABSENT', 'x'), 'x')
  assert.equal(read.optionalText('EMPTY'), undefined)
  assert.equal(read.optionalFile('ABSENT'), undefined)
  assert.equal(read.oneOf('ABSENT', 'info', ['info', 'warn']), 'info')
  assert.equal(read.url('ABSENT', 'http://a', ['http:']), 'http://a')
  assert.deepEqual(read.list('EMPTY', ['a'], /^a$/), ['a'])
  assert.deepEqual(read.problems, [])
})

test('what is given is read', () => {
  const read = new EnvironmentReader({
    PORT: '8080',
    NAME: 'eu-central',
    URL: 'https://a.example/',
    LIST: 'a, b',
    LEVEL: 'warn',
    FILE: import.meta.filename,
  })

  assert.equal(read.integer('PORT', 1, 0, 65_535), 8_080)
  assert.equal(read.requiredText('NAME', /^[a-z-]+$/), 'eu-central')
  assert.equal(read.url('URL', '', ['http:', 'https:']), 'https://a.example')
  assert.deepEqual(read.list('LIST', [], /^[ab]$/), ['a', 'b'])
  assert.equal(read.oneOf('LEVEL', 'info', ['info', 'warn']), 'warn')
  assert.equal(read.file('FILE'), import.meta.filename)
  assert.doesNotThrow(() => read.refuseProblems())
})

for (const [name, ask] of [
  ['an integer with a unit', (read) => read.integer('X', 0, 0, 9)],
  ['a text of another form', (read) => read.text('X', 'a', /^a$/)],
  ['a required text of another form', (read) => read.requiredText('X', /^a$/)],
  ['an unknown word', (read) => read.oneOf('X', 'info', ['info'])],
  ['a URL of another protocol', (read) => read.url('X', 'http://a', ['http:'])],
  ['a list with a wrong entry', (read) => read.list('X', [], /^a$/)],
  ['a file that is not there', (read) => read.file('X')],
  ['a folder instead of a file', (read) => read.optionalFile('FOLDER')],
  ['a required text that is absent', (read) => read.requiredText('ABSENT')],
  ['a required file that is absent', (read) => read.file('ABSENT')],
] as const satisfies readonly (readonly [string, (read: EnvironmentReader) => unknown])[]) {
  test(`${name} is one problem, and reading goes on`, () => {
    const read = new EnvironmentReader({ X: 'ftp://5s', FOLDER: import.meta.dirname })

    ask(read)

    assert.equal(read.problems.length, 1)
    assert.match(read.problems[0] ?? '', /^(X|FOLDER|ABSENT)\b/)
  })
}

test('integers are whole, decimal and within their range', () => {
  for (const text of ['-1', '10', '1.5', '0x1', '1e1', '99999999999999999999']) {
    const read = new EnvironmentReader({ X: text })
    assert.equal(read.integer('X', 3, 0, 9), 3)
    assert.deepEqual(read.problems, [`X="${text}": want an integer from 0 to 9`])
  }
})

test('a URL is not repeated in its problem, because it may hold a password', () => {
  const read = new EnvironmentReader({ NATS_URL: 'http://user:secret@a' })
  read.url('NATS_URL', 'nats://a', ['nats:'])

  assert.doesNotMatch(read.problems.join(), /secret/)
})

test('all problems are told at once', () => {
  const read = new EnvironmentReader({ A: 'x' })
  read.integer('A', 0, 0, 1)
  read.requiredText('B')
  read.problems.push('A must be below B')

  assert.throws(
    () => read.refuseProblems(),
    (error) => error instanceof ConfigError && error.problems.length === 3,
  )
})
