// pure

/** Exit codes of the three commands, numbered as in sysexits. */
export const EXIT = { usage: 64, unavailable: 69, internal: 70 } as const

/** Why a command cannot go on, in words for the person at the terminal. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError'
  readonly exitCode: number
  /** The one line that mends it, ready to be typed; absent when there is no such line. */
  readonly remedy: string | undefined

  constructor(
    message: string,
    options: { exitCode?: number; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.exitCode = options.exitCode ?? EXIT.unavailable
    this.remedy = options.remedy
  }
}

/**
 * Turns whatever ended a command into the text for stderr and the exit code.
 *
 * Anything but a `LaunchError` is a mistake of ours and keeps its stack.
 */
export function describeFailure(error: unknown): { text: string; exitCode: number } {
  if (error instanceof LaunchError) {
    const remedy = error.remedy === undefined ? '' : `\n  try: ${error.remedy}`
    return { text: `${error.message}${remedy}\n`, exitCode: error.exitCode }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { text: `${text}\n`, exitCode: EXIT.internal }
}
