// pure

import { decodeModelJson } from './model-record.ts'

const NEWLINE = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEAD = Buffer.from('{"model":"')

/**
 * Gives the model another name in each of Ollama's lines, all other bytes untouched: the name comes
 * first in everything that the server says, so that only the beginning of a line is looked at. A
 * line that begins otherwise is read and written anew; a blank one stays as it is.
 *
 * @throws {GatewayError} upstream_error when such a line is broken or an `{"error"}`.
 */
export function renameModel(lines: Buffer, name: string): Buffer {
  const head = Buffer.from(`{"model":${JSON.stringify(name)}`)
  const pieces: Buffer[] = []
  let start = 0
  while (start < lines.length) {
    const newline = lines.indexOf(NEWLINE, start)
    const end = newline === -1 ? lines.length : newline + 1
    const line = lines.subarray(start, end)
    const rest = afterName(line)
    if (rest === undefined) pieces.push(rewritten(line, name))
    else pieces.push(head, rest)
    start = end
  }
  return Buffer.concat(pieces)
}

/** What follows the name; `undefined` where no name is first, or one that Ollama would refuse. */
function afterName(line: Buffer): Buffer | undefined {
  if (!line.subarray(0, HEAD.length).equals(HEAD)) return undefined
  const quote = line.indexOf(QUOTE, HEAD.length)
  if (quote === -1 || line[quote - 1] === BACKSLASH) return undefined
  return line.subarray(quote + 1)
}

function rewritten(line: Buffer, name: string): Buffer {
  const text = line.toString('utf8')
  if (text.trim() === '') return line
  const value = decodeModelJson(text)
  if (!('model' in value)) return line
  return Buffer.from(JSON.stringify({ ...value, model: name }) + (text.endsWith('\n') ? '\n' : ''))
}
