import { request } from 'node:http'

const ANSWER_BYTES_MAX = 1024 * 1024

/** What a launcher answers; which fields are there depends on what was asked. */
export interface ControlAnswer {
  readonly pid?: number
  readonly error?: string
  readonly processes?: readonly { name: string; status: string; pid?: number }[]
}

/**
 * Asks the launcher that listens on a Unix socket; there is no time limit, because a drain takes as
 * long as the work does.
 *
 * @throws with the code of the connection's error when no launcher listens there.
 */
export function askLauncher(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false }, async (response) => {
      try {
        let text = ''
        for await (const chunk of response.setEncoding('utf8')) {
          text += chunk
          if (text.length > ANSWER_BYTES_MAX) throw new Error('the answer is too long')
        }
        resolve(JSON.parse(text) as ControlAnswer)
      } catch (error) {
        reject(error)
      }
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}
