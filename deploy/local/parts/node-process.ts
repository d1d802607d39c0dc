import type { Environment } from '../config.ts'
import { answersOk } from '../supervise/poll.ts'
import type { ProcessSpec } from '../supervise/supervised-process.ts'
import { decodeListeningLine } from './listening-line.ts'

/**
 * Describes a process of ours: it runs under this Node, says in its log where it listens, and
 * answers `/readyz` on its admin listener.
 *
 * `addressesOf` turns the URLs of that line into what the caller needs; `undefined` when one is
 * missing, and then the process is taken as not listening yet.
 */
export function nodeProcess<Addresses extends { readonly adminUrl: string }>(part: {
  name: string
  entry: string
  environment: (known: Addresses | undefined) => Environment
  addressesOf: (urls: Readonly<Record<string, string>>) => Addresses | undefined
}): ProcessSpec<Addresses> {
  return {
    name: part.name,
    command: (known) => ({
      program: process.execPath,
      args: [part.entry],
      environment: part.environment(known),
    }),
    findAddresses: (run) =>
      run.firstLine((line) => {
        const urls = decodeListeningLine(line)
        return urls && part.addressesOf(urls)
      }),
    isReady: ({ adminUrl }) => answersOk(`${adminUrl}/readyz`),
  }
}
