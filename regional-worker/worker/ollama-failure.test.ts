import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOfConnection, failureOfStatus, failureOfText } from './ollama-failure.ts'

const BUSY = '{"error":"server busy, please try again.  maximum pending requests exceeded"}'

for (const [status, body, code, workStarted] of [
  [404, '{"error":"model \'x\' not found"}', 'model-missing', 'no'],
  [404, '{"error":"model \\"x\\" not found, try pulling it first"}', 'model-missing', 'no'],
  [404, '404 page not found', 'request-refused', 'yes'],
  [400, '{"error":"\\"x\\" does not support thinking"}', 'request-refused', 'yes'],
  [401, '{"error":"unauthorized"}', 'ollama-failed', 'no'],
  [403, '', 'ollama-failed', 'no'],
  [408, '', 'ollama-busy', 'no'],
  [429, '{"error":"too many requests"}', 'ollama-busy', 'no'],
  [503, BUSY, 'ollama-busy', 'no'],
  [503, '<html>bad gateway</html>', 'ollama-failed', 'yes'],
  [500, '{"error":"an error was encountered while running the model"}', 'ollama-failed', 'yes'],
  [500, '', 'ollama-failed', 'yes'],
  [204, '', 'ollama-failed', 'yes'],
] as const) {
  test(`status ${status} ${body} is ${code}, work started: ${workStarted}`, () => {
    const failure = failureOfStatus(status, body)

    assert.equal(failure.code, code)
    assert.equal(failure.workStarted, workStarted)
  })
}

test('a request at fault keeps its status and text, and is no fault of the region', () => {
  const failure = failureOfStatus(400, '{"error":"invalid options: num_ctx"}')

  assert.deepEqual(failure, {
    code: 'request-refused',
    workStarted: 'yes',
    fault: 'request',
    status: 400,
    message: 'invalid options: num_ctx',
  })
})

for (const text of [
  'model requires more system memory (5.6 GiB) than is available (2.1 GiB)',
  'model requires more system memory than is currently available',
  'llama runner process has terminated: cudaMalloc failed: out of memory',
  'CUDA error: out of memory',
  'error loading model: unable to allocate CUDA0 buffer',
  'failed to allocate memory for model',
]) {
  test(`"${text}" is a lack of memory`, () => {
    assert.equal(failureOfText(text).code, 'out-of-memory')
  })
}

test('any other text is a failure of Ollama', () => {
  assert.equal(failureOfText('llama runner process has terminated').code, 'ollama-failed')
})

for (const [errorCode, reach, code, workStarted] of [
  ['ECONNREFUSED', 'not-sent', 'ollama-unreachable', 'no'],
  ['UND_ERR_CONNECT_TIMEOUT', 'not-sent', 'ollama-unreachable', 'no'],
  ['ECONNRESET', 'sent', 'ollama-unreachable', 'unknown'],
  ['UND_ERR_SOCKET', 'answering', 'ollama-unreachable', 'yes'],
  ['HPE_INVALID_CONSTANT', 'sent', 'ollama-failed', 'unknown'],
  ['HTTPParserError', 'answering', 'ollama-failed', 'yes'],
  ['UND_ERR_HEADERS_OVERFLOW', 'sent', 'ollama-failed', 'unknown'],
] as const) {
  test(`${errorCode} while ${reach} is ${code}, work started: ${workStarted}`, () => {
    const failure = failureOfConnection(errorCode, reach)

    assert.equal(failure.code, code)
    assert.equal(failure.workStarted, workStarted)
  })
}
