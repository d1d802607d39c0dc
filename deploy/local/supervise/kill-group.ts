import assert from 'node:assert/strict'

/**
 * Sends a signal to a process and everything it has started, by its process group.
 *
 * Children are started as leaders of a group of their own, so that Ctrl-C in the terminal does not
 * reach them and one signal reaches what they started. A group that is gone is no error.
 */
export function killGroup(leader: number, signal: NodeJS.Signals): void {
  assert(leader > 1, 'no group of ours: -1 is every process there is, 0 our own group')
  try {
    process.kill(-leader, signal)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ESRCH' && code !== 'EPERM') throw error // EPERM: only zombies are left, on macOS.
  }
}

/** Tells whether any process of a group is left; one that nobody has waited for yet counts. */
export function isGroupLeft(leader: number): boolean {
  try {
    return process.kill(-leader, 0)
  } catch {
    return false
  }
}
