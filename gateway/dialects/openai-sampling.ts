// pure
//
// The fields that `/v1/chat/completions` and `/v1/completions` share, and what they become in
// Ollama's `options`.

import { GatewayError } from '../errors.ts'
import { anyObject, noted, optional, refusedUnlessEmpty, type Static, Type } from './schema.ts'

const STOPS_MAX = 64
const NAME_CHARS_MAX = 1_024

/** Ollama's own knobs, an extension: a field of OpenAI that says the same wins. */
const OLLAMA_FIELDS = {
  options: optional(anyObject({ description: "Ollama's options, passed on as they are." })),
  keep_alive: optional(
    Type.Union([Type.String({ maxLength: 32 }), Type.Number()], {
      description: 'How long the model stays loaded: a duration such as `5m`, or seconds.',
    }),
  ),
  think: optional(
    Type.Union([Type.Boolean(), Type.Enum(['low', 'medium', 'high', 'max'])], {
      description: 'Whether and how hard the model thinks; `reasoning_effort` wins.',
    }),
  ),
}

/** Schema of the shared fields. */
export const SAMPLING_FIELDS = {
  max_tokens: optional(Type.Integer({ minimum: 1, description: 'Tokens to generate at most.' })),
  temperature: optional(Type.Number({ minimum: 0, maximum: 2, default: 1 })),
  top_p: optional(Type.Number({ minimum: 0, maximum: 1, default: 1 })),
  seed: optional(
    Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
  ),
  stop: optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: STOPS_MAX })], {
      description: 'Texts that end the answer and are not part of it.',
    }),
  ),
  frequency_penalty: optional(Type.Number({ minimum: -2, maximum: 2 })),
  presence_penalty: optional(Type.Number({ minimum: -2, maximum: 2 })),
  n: optional(Type.Integer({ minimum: 1, maximum: 8, default: 1 })),
  stream: optional(Type.Boolean({ default: false })),
  stream_options: optional(
    Type.Object(
      {
        include_usage: optional(Type.Boolean()),
        include_obfuscation: noted(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
  ),
  user: optional(
    Type.String({ maxLength: NAME_CHARS_MAX, description: 'Keeps requests together.' }),
  ),
  logit_bias: refusedUnlessEmpty('the model server has no such option'),
  ...OLLAMA_FIELDS,
}

const SAMPLING = Type.Object(SAMPLING_FIELDS)
export type Sampling = Static<typeof SAMPLING>

/**
 * Writes Ollama's `options`. Temperature and top_p are 1 when nobody says otherwise, as OpenAI has
 * them: Ollama's native defaults are 0.8 and 0.9.
 */
export function samplingOptions(
  asked: Sampling & { readonly max_completion_tokens?: number | null },
): Record<string, unknown> {
  const stop = stopsOf(asked.stop)
  const given = {
    num_predict: asked.max_completion_tokens ?? asked.max_tokens,
    temperature: asked.temperature,
    top_p: asked.top_p,
    seed: asked.seed,
    stop: stop.length === 0 ? undefined : stop,
    frequency_penalty: asked.frequency_penalty,
    presence_penalty: asked.presence_penalty,
  }
  return { temperature: 1, top_p: 1, ...asked.options, ...withoutAbsent(given) }
}

/** An empty stop would end every answer before its first token: Ollama takes it by the letter. */
function stopsOf(stop: Sampling['stop']): readonly string[] {
  const stops = typeof stop === 'string' ? [stop] : (stop ?? [])
  return stops.filter((text) => text !== '')
}

/** Leaves out fields that are `undefined` or `null`, which both mean that nothing was said. */
export function withoutAbsent(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  )
}

/** @throws {GatewayError} unsupported_parameter when more choices are asked for than are served. */
export function choicesOf(n: number | null | undefined, choicesMax: number): number {
  const choices = n ?? 1
  if (choices <= choicesMax) return choices
  const most = choicesMax === 1 ? 'one choice' : `${choicesMax} choices`
  throw new GatewayError('unsupported_parameter', {
    message: `Unsupported parameter: 'n': at most ${most} per request.`,
    param: 'n',
  })
}

/** Names the options of a stream where there is none to apply them to. */
export function ignoredStreamOptions({ stream, stream_options }: Sampling): readonly string[] {
  return stream !== true && stream_options?.include_usage === true
    ? ['stream_options.include_usage']
    : []
}
