// pure

import type { GatewayError } from '../errors.ts'
import type { AnswerEncoder } from './dialect.ts'
import { ollamaErrorBody } from './ollama-error.ts'
import { decodeLastLine, usageOf } from './ollama-last-line.ts'
import { renameModel } from './ollama-rename.ts'

export interface StreamedAnswerPlan {
  /** As the client wrote it, for errors that name it. */
  readonly model: string
  readonly contentType: string
  /** Another name for the model in every line; `undefined` leaves them untouched. */
  readonly answerModel: string | undefined
}

/**
 * Passes Ollama's lines on as the buffers that they came in: a token costs nothing here. Only the
 * last line is read, for what it counts.
 */
export class StreamedAnswer implements AnswerEncoder {
  readonly isStream = true
  readonly contentType: string
  readonly #plan: StreamedAnswerPlan
  #usage: AnswerEncoder['usage'] = {}

  constructor(plan: StreamedAnswerPlan) {
    this.#plan = plan
    this.contentType = plan.contentType
  }

  delta(lines: Buffer): Buffer {
    const { answerModel } = this.#plan
    return answerModel === undefined ? lines : renameModel(lines, answerModel)
  }

  /** @throws {GatewayError} upstream_error when it is no last line. */
  done(lastLine: Buffer): Buffer {
    this.#usage = usageOf(decodeLastLine(lastLine))
    return this.delta(lastLine)
  }

  /** White space before the next object. An empty line would raise an error in ollama-python. */
  heartbeat(): string {
    return ' '
  }

  failure(error: GatewayError): string {
    return `${ollamaErrorBody(error, this.#plan.model)}\n`
  }

  get usage(): AnswerEncoder['usage'] {
    return this.#usage
  }
}
