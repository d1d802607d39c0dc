// Linux says who listens on a port in two places: /proc/net/tcp names the socket's inode, and each
// process has a link to it among its open files. Elsewhere, and for other users' processes, nothing
// can be said, and the caller names the command that asks.

import { readdir, readFile, readlink } from 'node:fs/promises'

const LISTENING = '0A'
const COMMAND_CHARS_MAX = 120

/** Describes the process that listens on a TCP port; `undefined` when that cannot be seen. */
export async function findPortHolder(port: number): Promise<string | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readText))
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port)))
  if (inodes.size === 0) return undefined
  for (const pid of await list('/proc')) {
    if (/^\d+$/.test(pid) && (await hasSocket(pid, inodes))) return describe(pid)
  }
  return undefined
}

/** Reads from the text of /proc/net/tcp which sockets listen on a port, by their inodes. */
export function listeningInodes(table: string, port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    const listens = state === LISTENING && local?.endsWith(`:${hexPort}`)
    return listens && inode !== undefined ? [inode] : []
  })
}

async function hasSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const file of await list(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined && inodes.has(inode)) return true
  }
  return false
}

async function describe(pid: string): Promise<string> {
  const command = (await readText(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ').trim()
  return `held by process ${pid} (${command.slice(0, COMMAND_CHARS_MAX)})`
}

function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
