import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Makes a folder below `storeDir` that goes when it is disposed of.
 *
 * It lies on the disk of its destination, so that what is finished in it moves there by one rename
 * and nobody ever sees half a file. What commands that were killed have left behind goes first.
 */
export async function makeTemporaryFolder(
  storeDir: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = join(storeDir, 'tmp')
  await mkdir(parent, { recursive: true })
  for (const name of await readdir(parent)) {
    if (isAlive(Number(name.split('-')[0]))) continue
    await remove(join(parent, name)).catch(() => undefined) // Somebody else may be at it too.
  }
  const path = await mkdtemp(join(parent, `${process.pid}-`))
  return { path, [Symbol.asyncDispose]: () => remove(path) }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
