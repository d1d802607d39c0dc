import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArgumentError, parseArguments } from './stand-in-options.ts'

test('without arguments the port is Ollama’s own and all else is left to the stand-in', () => {
  assert.deepEqual(parseArguments([]), { port: 11_434 })
})

test('every option can be given', () => {
  const line =
    '--port 0 --host ::1 --slots 4 --waiting-max 8 --models a,b:1 --tokens 5 ' +
    '--token-delay-ms 1.5 --prefill-delay-ms 2 --load-delay-ms 3 --flush-each-token ' +
    '--control-port 0'
  assert.deepEqual(parseArguments(line.split(' ')), {
    port: 0,
    host: '::1',
    slots: 4,
    waitingMax: 8,
    models: ['a', 'b:1'],
    tokens: 5,
    tokenDelayMs: 1.5,
    prefillDelayMs: 2,
    loadDelayMs: 3,
    flushEachToken: true,
    controlPort: 0,
  })
})

test('all problems are told at once, with the usage', () => {
  assert.throws(
    () => parseArguments('--port 70000 --slots 0 --tokens 1.5 --models a,,b'.split(' ')),
    (error) =>
      error instanceof ArgumentError &&
      /--port 70000.*\n--slots 0.*\n--tokens 1.5.*/.test(error.message) &&
      /--models: want names.*\nnode main.ts/s.test(error.message),
  )
  assert.throws(() => parseArguments(['--nonsense']), ArgumentError)
})
