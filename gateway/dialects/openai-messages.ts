// pure

import { GatewayError } from '../errors.ts'
import { JSON_LIMITS, parseJsonText } from './json-body.ts'
import type { AssistantCall, ChatMessage, ContentPart } from './openai-chat-schema.ts'

/** A message as Ollama takes it. */
export interface OllamaMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
  readonly thinking?: string
  /** Bare base64. */
  readonly images?: readonly string[]
  readonly tool_calls?: readonly OllamaToolCall[]
  readonly tool_name?: string
  readonly tool_call_id?: string
}

interface OllamaToolCall {
  readonly id: string
  readonly function: {
    readonly index?: number
    readonly name: string
    readonly arguments: Readonly<Record<string, unknown>>
  }
}

/**
 * Turns OpenAI's messages into Ollama's, one for one. Texts of several parts are joined as they
 * are, without anything between them.
 *
 * @throws {GatewayError} invalid_value when arguments are no JSON object, a tool answers a call
 * that no message before it made, or an image is no `data:` URL in base64; unsupported_parameter
 * when an image would have to be fetched.
 */
export function ollamaMessages(messages: readonly ChatMessage[]): OllamaMessage[] {
  const calledNames = new Map<string, string>()
  return messages.map((message, index) => {
    const path = `messages[${index}]`
    const said = ollamaContent(message.content ?? '', `${path}.content`)
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', ...said }
      case 'user':
        return { role: 'user', ...said }
      case 'assistant':
        return assistantMessage(message, said, calledNames, path)
      case 'tool': {
        const name = calledNames.get(message.tool_call_id)
        if (name === undefined) {
          throw invalid(`${path}.tool_call_id`, 'no assistant message before it has such a call')
        }
        return { role: 'tool', ...said, tool_name: name, tool_call_id: message.tool_call_id }
      }
      default:
        return message satisfies never
    }
  })
}

type Said = Pick<OllamaMessage, 'content' | 'images'>

function assistantMessage(
  message: Extract<ChatMessage, { role: 'assistant' }>,
  said: Said,
  calledNames: Map<string, string>,
  path: string,
): OllamaMessage {
  const thinking = message.reasoning ?? message.reasoning_content ?? ''
  const calls = message.tool_calls ?? []
  // Where ids repeat, the latest call is the one that is answered.
  for (const { id, function: called } of calls) calledNames.set(id, called.name)
  return {
    role: 'assistant',
    ...said,
    content: said.content + (message.refusal ?? ''),
    ...(thinking === '' ? {} : { thinking }),
    ...(calls.length === 0
      ? {}
      : { tool_calls: calls.map((call, at) => ollamaCall(call, `${path}.tool_calls[${at}]`)) }),
  }
}

function ollamaCall({ id, index, function: called }: AssistantCall, path: string): OllamaToolCall {
  return {
    id,
    function: {
      ...(typeof index === 'number' ? { index } : {}),
      name: called.name,
      arguments: parseArguments(called.arguments, `${path}.function.arguments`),
    },
  }
}

/** Reads the arguments of a call. Streams of a function without parameters may leave them empty. */
function parseArguments(text: string, path: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {}
  let value: unknown
  try {
    value = parseJsonText(text, JSON_LIMITS)
  } catch (cause) {
    throw invalid(path, 'expected an object as JSON', cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  throw invalid(path, 'expected an object as JSON')
}

function ollamaContent(content: string | readonly ContentPart[], path: string): Said {
  if (typeof content === 'string') return { content }
  let text = ''
  const images: string[] = []
  for (const [index, part] of content.entries()) {
    switch (part.type) {
      case 'text':
        text += part.text
        break
      case 'refusal':
        text += part.refusal
        break
      case 'image_url':
        images.push(base64Of(part.image_url, `${path}[${index}].image_url`))
        break
      default:
        // The schema has refused them; the union of types has not.
        throw new GatewayError('unsupported_parameter', { param: `${path}[${index}].type` })
    }
  }
  return { content: text, ...(images.length === 0 ? {} : { images }) }
}

const DATA_URL = /^data:(?:image\/[\w.+-]{1,64})?;base64,/i

function base64Of(
  image: Extract<ContentPart, { type: 'image_url' }>['image_url'],
  path: string,
): string {
  const [url, param] = typeof image === 'string' ? [image, path] : [image.url, `${path}.url`]
  if (/^https?:/i.test(url)) {
    throw new GatewayError('unsupported_parameter', {
      message: `Unsupported parameter: '${param}': images are not fetched, send a data: URL.`,
      param,
    })
  }
  const head = DATA_URL.exec(url.slice(0, 128))?.[0]
  if (head === undefined) throw invalid(param, 'expected a data: URL with an image in base64')
  return url.slice(head.length)
}

function invalid(param: string, why: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_value', {
    message: `Invalid value for '${param}': ${why}.`,
    param,
    cause,
  })
}
