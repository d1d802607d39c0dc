import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BEHAVIOUR_DEFAULTS,
  breakAt,
  FAULT_NAMES,
  FaultSyntaxError,
  type Faults,
  parseDirectives,
  parseFaults,
  withFaults,
} from './faults.ts'

const ROWS: readonly (readonly [text: string, faults: Faults])[] = [
  ['', {}],
  ['token-delay-ms=2.5', { tokenDelayMs: 2.5 }],
  ['prefill-delay-ms=10', { prefillDelayMs: 10 }],
  ['load-delay-ms=10', { loadDelayMs: 10, reload: true }],
  ['tokens=0', { tokens: 0 }],
  ['thinking-tokens=3', { thinkingTokens: 3 }],
  ['words=rich', { words: 'rich' }],
  ['flush-each-token', { flushEachToken: true }],
  ['flush-each-token=off', { flushEachToken: false }],
  ['error-after=2', { breaks: [{ kind: 'error', after: 2 }] }],
  ['reset-after=0', { breaks: [{ kind: 'reset', after: 0 }] }],
  ['cut-after=1', { breaks: [{ kind: 'cut', after: 1 }] }],
  ['end-after=1', { breaks: [{ kind: 'end', after: 1 }] }],
  ['hang-after=1', { breaks: [{ kind: 'hang', after: 1 }] }],
  ['malformed-after=1', { breaks: [{ kind: 'malformed', after: 1 }] }],
  ['status=503', { status: 503 }],
  ['error=out%20of%20memory%2C', { error: 'out of memory,' }],
  ['retry-after=2', { retryAfterSeconds: 2 }],
  ['big-token=1024', { bigTokenBytes: 1_024 }],
  ['split-utf8', { splitUtf8At: 2 }],
  ['split-utf8=4', { splitUtf8At: 4 }],
  ['omit-counters', { omitCounters: true }],
  ['no-render', { noRender: true }],
  ['html', { html: true }],
]

for (const [text, faults] of ROWS) {
  test(`"${text}" asks for ${JSON.stringify(faults)}`, () => {
    assert.deepEqual(parseFaults(text), faults)
  })
}

test('the table above knows every fault', () => {
  const tested = new Set(ROWS.map(([text]) => text.split('=')[0]))
  assert.deepEqual(
    FAULT_NAMES.filter((name) => !tested.has(name)),
    [],
  )
})

test('several faults and several positions add up', () => {
  assert.deepEqual(parseFaults(' tokens=9, end-after=2+4 ,reset-after=6'), {
    tokens: 9,
    breaks: [
      { kind: 'end', after: 2 },
      { kind: 'end', after: 4 },
      { kind: 'reset', after: 6 },
    ],
  })
})

for (const text of [
  'nonsense',
  'tokens',
  'tokens=-1',
  'tokens=1.5',
  'tokens=100001',
  'status=200',
  'words=many',
  'html=yes',
  'error-after=1+x',
  'error=%',
  'toString=1',
]) {
  test(`"${text}" is refused by name`, () => {
    assert.throws(
      () => parseFaults(text),
      (error) =>
        error instanceof FaultSyntaxError && error.message.includes(`"${text}"`.slice(0, 9)),
    )
  })
}

test('directives are found anywhere in a text', () => {
  const text = 'Say [[stand-in:tokens=3]] and [[stand-in:words=rich]]!'
  assert.deepEqual(parseDirectives(text), { tokens: 3, words: 'rich' })
  assert.deepEqual(parseDirectives('Say [[tokens=3]]'), {})
  assert.throws(() => parseDirectives('[[stand-in:typo=1]]'), FaultSyntaxError)
})

test('later faults win over earlier ones, and breaks add up', () => {
  const first = withFaults(BEHAVIOUR_DEFAULTS, parseFaults('tokens=3,end-after=1'))
  const second = withFaults(first, parseFaults('tokens=4,hang-after=2'))
  const third = withFaults(second, parseFaults('status=500'))
  assert.equal(third.tokens, 4)
  assert.equal(third.status, 500)
  assert.deepEqual(
    third.breaks.map(({ kind }) => kind),
    ['end', 'hang'],
  )
})

test('a break acts once, at its position in the whole answer', () => {
  const breaks = [
    { kind: 'end', after: 0 },
    { kind: 'reset', after: 5 },
  ] as const
  const rows = [
    { tokens: 0, given: 0, kind: 'end' },
    { tokens: 4, given: 0, kind: undefined },
    { tokens: 5, given: 0, kind: 'reset' },
    { tokens: 5, given: 3, kind: 'reset' },
    { tokens: 5, given: 5, kind: undefined }, // This is where an earlier request was broken.
  ]
  for (const { tokens, given, kind } of rows) {
    assert.equal(breakAt(breaks, tokens, given)?.kind, kind, `${tokens} of which ${given} given`)
  }
})
