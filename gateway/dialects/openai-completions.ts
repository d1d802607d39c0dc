// pure
//
// `POST /v1/completions`, the legacy endpoint, in the words of Ollama's `/api/generate`.

import { MODEL_NAME_MAX } from '#wire/region-api.ts'
import { affinityOf } from './conversation-text.ts'
import { startCompletionAnswer } from './openai-completions-answer.ts'
import { type OpenAiRequest, openAiRequest } from './openai-request.ts'
import {
  choicesOf,
  ignoredStreamOptions,
  SAMPLING_FIELDS,
  samplingOptions,
  withoutAbsent,
} from './openai-sampling.ts'
import { compileSchema, optional, refused, Type } from './schema.ts'
import { refuseTokenArrays } from './token-arrays.ts'
import { estimateInputTokens } from './token-tally.ts'

const LOGPROBS_MAX = 20

const PROMPT = Type.String({ minLength: 1 })

/** The request of `POST /v1/completions`. */
export const COMPLETION_REQUEST = compileSchema(
  Type.Object(
    {
      model: Type.String({ minLength: 1, maxLength: MODEL_NAME_MAX }),
      // Without a prompt Ollama loads the model and says nothing.
      prompt: Type.Union([PROMPT, Type.Array(PROMPT, { minItems: 1, maxItems: 1 })], {
        description: 'One text, or a list of one.',
      }),
      suffix: optional(Type.String({ description: 'What follows the text to be written.' })),
      ...SAMPLING_FIELDS,
      logprobs: optional(
        Type.Integer({ minimum: 0, maximum: LOGPROBS_MAX, description: 'Alternatives per token.' }),
      ),
      echo: optional(
        Type.Union([Type.Literal(false), refused('the prompt is not repeated in the answer')]),
      ),
      best_of: optional(
        Type.Union([Type.Literal(1), refused('ask for several choices with n, and pick one')]),
      ),
    },
    { additionalProperties: false, title: 'Completion request' },
  ),
)

export interface OpenAiCompletionsOptions {
  /** The highest `n` that the caller can serve, at most 8; more is refused by name. */
  readonly choicesMax: number
}

/** Makes the reader of completion requests. It throws as the reader of chat requests does. */
export function openAiCompletions({
  choicesMax,
}: OpenAiCompletionsOptions): (body: unknown) => OpenAiRequest {
  return (body) => {
    refuseTokenArrays(body, 'prompt')
    const asked = COMPLETION_REQUEST.parse(body)
    const [prompt = ''] = typeof asked.prompt === 'string' ? [asked.prompt] : asked.prompt
    const { logprobs } = asked
    const inner = {
      model: asked.model,
      prompt,
      stream: true,
      ...withoutAbsent({
        suffix: asked.suffix === '' ? undefined : asked.suffix,
        think: asked.think,
        logprobs: typeof logprobs === 'number' ? true : undefined,
        top_logprobs: logprobs === 0 ? undefined : logprobs,
        keep_alive: asked.keep_alive,
      }),
      options: samplingOptions(asked),
    }
    const plan = {
      model: asked.model,
      isStream: asked.stream === true,
      includeUsage: asked.stream_options?.include_usage === true,
      estimateInput: () => estimateInputTokens(inner),
    }
    return openAiRequest({
      kind: 'generate',
      model: asked.model,
      body: inner,
      affinity: affinityOf([asked.user], [{ role: 'user', content: prompt }]),
      ignored: [...COMPLETION_REQUEST.notedIn(asked), ...ignoredStreamOptions(asked)],
      choices: choicesOf(asked.n, choicesMax),
      priority: undefined,
      startChoices: (facts, choices) => startCompletionAnswer(plan, facts, choices),
    })
  }
}
