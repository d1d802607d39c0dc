// pure
//
// `POST /v1/chat/completions` in Ollama's words. Which fields there are is in
// `openai-chat-schema.ts`; here stands what they become.

import { GatewayError } from '../errors.ts'
import { affinityOf } from './conversation-text.ts'
import { type ReasoningField, startChatAnswer } from './openai-chat-answer.ts'
import { CHAT_REQUEST, type ChatRequest, type ResponseFormat } from './openai-chat-schema.ts'
import { ollamaMessages } from './openai-messages.ts'
import { type OpenAiRequest, openAiRequest } from './openai-request.ts'
import {
  choicesOf,
  ignoredStreamOptions,
  samplingOptions,
  withoutAbsent,
} from './openai-sampling.ts'
import { parametersOf, planTools, type ToolPlan, withForcedFunction } from './openai-tools.ts'
import { estimateInputTokens } from './token-tally.ts'

export interface OpenAiChatOptions {
  /** The highest `n` that the caller can serve, at most 8; more is refused by name. */
  readonly choicesMax: number
  /** Where thinking is shown, at least one; by default in `reasoning` only. */
  readonly reasoningFields?: readonly ReasoningField[]
}

/**
 * Makes the reader of chat requests. It throws a `GatewayError` with a status of 400 that names the
 * field at fault: missing_parameter, invalid_value, unknown_parameter or unsupported_parameter.
 */
export function openAiChat(options: OpenAiChatOptions): (body: unknown) => OpenAiRequest {
  const { choicesMax, reasoningFields = ['reasoning'] } = options
  return (body) => {
    const asked = CHAT_REQUEST.parse(body)
    const tools = planTools(asked.tools ?? [], asked.tool_choice)
    const messages = ollamaMessages(asked.messages)
    const inner = {
      model: asked.model,
      messages: tools.kind === 'forced' ? withForcedFunction(messages, tools.called) : messages,
      stream: true,
      ...innerFields(asked, tools),
      options: samplingOptions(asked),
    }
    const plan = {
      model: asked.model,
      isStream: asked.stream === true,
      includeUsage: asked.stream_options?.include_usage === true,
      reasoningFields,
      forcedFunction: tools.kind === 'forced' ? tools.called.name : undefined,
      oneCallOnly: asked.parallel_tool_calls === false,
      estimateInput: () => estimateInputTokens(inner),
    }
    return openAiRequest({
      kind: 'chat',
      model: asked.model,
      body: inner,
      affinity: affinityOf([asked.prompt_cache_key, asked.user], messages),
      ignored: ignoredBy(asked, tools),
      choices: choicesOf(asked.n, choicesMax),
      priority: asked.service_tier === 'flex' ? 'batch' : undefined,
      startChoices: (facts, choices) => startChatAnswer(plan, facts, choices),
    })
  }
}

/** The fields of `/api/chat` beside model, messages and options. */
function innerFields(asked: ChatRequest, tools: ToolPlan): Record<string, unknown> {
  const isForced = tools.kind === 'forced'
  const topLogprobs = asked.top_logprobs ?? 0
  if (topLogprobs > 0 && asked.logprobs !== true) {
    throw new GatewayError('invalid_value', {
      message: "Invalid value for 'top_logprobs': it needs 'logprobs' to be true.",
      param: 'top_logprobs',
    })
  }
  return withoutAbsent({
    tools: tools.kind === 'offered' ? tools.tools : undefined,
    format: isForced ? parametersOf(tools.called) : formatOf(asked.response_format),
    think: thinkOf(asked.reasoning_effort) ?? asked.think,
    logprobs: asked.logprobs === true ? true : undefined,
    top_logprobs: topLogprobs > 0 ? topLogprobs : undefined,
    keep_alive: asked.keep_alive,
  })
}

function formatOf(asked: ResponseFormat | null | undefined): unknown {
  switch (asked?.type) {
    case 'json_object':
      return 'json'
    case 'json_schema':
      return asked.json_schema.schema
    default:
      return undefined
  }
}

/** Ollama 0.13 knows no level beyond `high`, and refuses a request that names one. */
function thinkOf(effort: ChatRequest['reasoning_effort']): string | boolean | undefined {
  switch (effort) {
    case null:
    case undefined:
      return undefined
    case 'none':
      return false
    case 'minimal':
      return 'low'
    case 'xhigh':
    case 'max':
      return 'high'
    default:
      return effort
  }
}

function ignoredBy(asked: ChatRequest, tools: ToolPlan): readonly string[] {
  const isFormatOverruled = tools.kind === 'forced' && formatOf(asked.response_format) !== undefined
  return [
    ...CHAT_REQUEST.notedIn(asked),
    ...ignoredStreamOptions(asked),
    ...(asked.service_tier && asked.service_tier !== 'flex' ? ['service_tier'] : []),
    ...(isFormatOverruled ? ['response_format'] : []),
  ]
}
