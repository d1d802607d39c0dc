// A launcher in small, to be killed by tests: supervises one child that obeys SIGTERM and one that
// does not, frozen on request, and prints their ids. Arguments: the folder for logs.

import { Processes } from '../../supervise/processes.ts'
import type { ProcessSpec } from '../../supervise/supervised-process.ts'

const [logFolder = ''] = process.argv.slice(2)
const processes = new Processes({ logFolder, restart: true, say: () => {}, graceMs: 300 })
const meek = processes.add('serving', child('meek', ''))
const stubborn = processes.add('ground', child('stubborn', "process.on('SIGTERM', () => {});"))
const frozen = processes.add('ground', child('frozen', ''))
await Promise.all([meek.start(), stubborn.start(), frozen.start()])
frozen.freeze()
process.stdout.write(`${JSON.stringify([meek.pid, stubborn.pid, frozen.pid])}\n`)

function child(name: string, first: string): ProcessSpec<true> {
  return {
    name,
    command: () => ({
      program: process.execPath,
      args: ['-e', `${first} setInterval(() => {}, 1000); console.log('up')`],
      environment: {},
    }),
    findAddresses: (run) => run.firstLine((line) => line === 'up' || undefined),
    isReady: async () => true,
  }
}
