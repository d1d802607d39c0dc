import { workerControlSubject } from '#wire/subjects.ts'
import { decodeWorkerCommand, type WorkerCommand } from '#wire/work-message.ts'
import type { Nats } from '../nats-connection.ts'

/** What can be told to work that runs. */
export type Commandable = Readonly<Record<WorkerCommand['command'], () => void>>

export interface CommandOptions {
  readonly nats: Pick<Nats, 'subscribe'>
  readonly workerId: string
  readonly workOf: (workId: string) => Commandable | undefined
  /** Called after a command was carried out. */
  readonly onCommand: (command: WorkerCommand['command']) => void
}

/**
 * Takes commands for this worker's work until the returned function is called. What names work that
 * does not run here is passed over: it has ended, or its `started` will bring the command again.
 */
export function takeCommands({ nats, workerId, workOf, onCommand }: CommandOptions): () => void {
  return nats.subscribe(workerControlSubject(workerId), (message) => {
    const command = decodeWorkerCommand(Buffer.from(message.data).toString())
    const work = command && workOf(command.workId)
    if (command === undefined || work === undefined) return
    work[command.command]()
    onCommand(command.command)
  })
}
