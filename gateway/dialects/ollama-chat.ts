// pure

import { affinityOf } from './conversation-text.ts'
import type { InnerRequest } from './dialect.ts'
import { startGenerationAnswer } from './ollama-answer.ts'
import {
  checkGeneration,
  invalid,
  isFields,
  type OllamaFields,
  readFields,
  readImages,
  readModel,
  readStream,
} from './ollama-fields.ts'

/**
 * Reads `POST /api/chat`. No messages at all is a request too: it loads the model, or unloads it.
 * @throws {GatewayError} with status 400 naming the field at fault.
 */
export function parseOllamaChat(body: unknown): InnerRequest {
  const fields = readFields(body)
  const model = readModel(fields.model)
  const isStream = readStream(fields)
  checkGeneration(fields)
  const messages = readMessages(fields.messages)
  const plan = { kind: 'chat', model, isStream, isLoad: messages.length === 0 } as const
  return {
    kind: 'chat',
    model,
    body: { ...fields, ...(messages.length === 0 ? {} : { messages }), stream: true },
    affinity: affinityOf([], messages.map(saidIn)),
    ignored: [],
    startAnswer: (facts) => startGenerationAnswer(plan, facts),
  }
}

function readMessages(messages: unknown): readonly OllamaFields[] {
  if (messages === undefined || messages === null) return []
  if (!Array.isArray(messages)) throw invalid('messages', 'must be an array')
  return messages.map((message: unknown, at) => readMessage(message, `messages[${at}]`))
}

/** Roles are compared without case, as the server does. Everything else it judges itself. */
function readMessage(message: unknown, path: string): OllamaFields {
  if (!isFields(message)) throw invalid(path, 'must be an object')
  const { role, images } = message
  return {
    ...message,
    ...(typeof role === 'string' ? { role: role.toLowerCase() } : {}),
    ...((images ?? undefined) === undefined
      ? {}
      : { images: readImages(images, `${path}.images`) }),
  }
}

function saidIn({ role, content }: OllamaFields): { role: string; content: string } {
  return {
    role: typeof role === 'string' ? role : '',
    content: typeof content === 'string' ? content : '',
  }
}
