// pure

import type { AnswerEncoder, AnswerFacts } from './dialect.ts'
import { JoinedAnswer } from './ollama-joined-answer.ts'
import { StreamedAnswer } from './ollama-streamed-answer.ts'
import { WholeAnswer } from './ollama-whole-answer.ts'

/** What a chat or a completion decided about its answer. */
export interface GenerationPlan {
  readonly kind: 'chat' | 'generate'
  /** As the client wrote it. */
  readonly model: string
  readonly isStream: boolean
  /** Nothing is generated, the model is only loaded or unloaded. */
  readonly isLoad: boolean
}

/** Begins the answer to a chat or a completion: passed on as it streams, or put together. */
export function startGenerationAnswer(
  { kind, model, isStream, isLoad }: GenerationPlan,
  { answerModel }: AnswerFacts,
): AnswerEncoder {
  if (!isStream) return new JoinedAnswer(kind, answerModel)
  // The server does not stream what it does not generate. Blanks may precede that one object just
  // as well, so that a long load is not cut off by a proxy that sees nothing.
  const contentType = isLoad ? 'application/json; charset=utf-8' : 'application/x-ndjson'
  return new StreamedAnswer({ model, contentType, answerModel })
}

/** Begins an answer that Ollama gives in one piece. */
export function startWholeAnswer(
  kind: 'embed' | 'embeddings' | 'show',
  { answerModel }: AnswerFacts,
): AnswerEncoder {
  return new WholeAnswer(kind, answerModel)
}
