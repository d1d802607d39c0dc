// pure
//
// Every field of `POST /v1/chat/completions` that a client may send, each in one of three classes:
// mapped (a plain schema), noted (accepted, without effect, named in the answer), refused.

import { MODEL_NAME_MAX } from '#wire/region-api.ts'
import { SAMPLING_FIELDS } from './openai-sampling.ts'
import {
  anyObject,
  compileSchema,
  noted,
  optional,
  refused,
  refusedUnlessEmpty,
  type Static,
  Type,
  variants,
} from './schema.ts'

const MESSAGES_MAX = 10_000
const PARTS_MAX = 1_000
const TOOLS_MAX = 512
const NAME_CHARS_MAX = 256
const KEY_CHARS_MAX = 1_024

/** Nothing but what is listed: a field that is overlooked would be dropped silently. */
const CLOSED = { additionalProperties: false } as const

const JSON_TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const

/** As much of JSON Schema as tells a schema from something else. */
const JSON_SCHEMA = Type.Object(
  {
    type: optional(
      Type.Union([Type.Enum([...JSON_TYPES]), Type.Array(Type.Enum([...JSON_TYPES]))]),
    ),
    properties: optional(anyObject()),
    required: optional(Type.Array(Type.String())),
  },
  { title: 'JSON Schema' },
)

const IMAGE = Type.Object(
  {
    url: Type.String({ minLength: 1, description: 'A `data:` URL with the image in base64.' }),
    detail: noted(Type.String()),
  },
  CLOSED,
)

const PART = variants('type', [
  Type.Object({ type: Type.Literal('text'), text: Type.String() }, CLOSED),
  Type.Object(
    // Ollama's own examples give the URL without an object around it.
    { type: Type.Literal('image_url'), image_url: Type.Union([IMAGE, Type.String()]) },
    CLOSED,
  ),
  Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() }, CLOSED),
  Type.Object({
    type: Type.Literal('input_audio'),
    input_audio: refused('audio cannot be sent to these models'),
  }),
  Type.Object({ type: Type.Literal('file'), file: refused('send the text of the file instead') }),
])
export type ContentPart = Static<typeof PART>

const CONTENT = Type.Union([Type.String(), Type.Array(PART, { maxItems: PARTS_MAX })])

const CALL = variants(
  'type',
  [
    Type.Object(
      {
        id: Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX }),
        type: Type.Literal('function'),
        index: optional(Type.Integer({ minimum: 0 })),
        function: Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX }),
            arguments: Type.String({ description: 'An object, written as JSON.' }),
            // What the openai SDK leaves in the messages that its tool runner sends back.
            parsed_arguments: noted(Type.Unknown()),
          },
          CLOSED,
        ),
      },
      CLOSED,
    ),
  ],
  { custom: 'only tools of type function are offered' },
)
export type AssistantCall = Static<typeof CALL>

const NAME = noted(Type.String({ maxLength: NAME_CHARS_MAX }))

const MESSAGE = variants(
  'role',
  [
    Type.Object(
      {
        role: Type.Enum(['system', 'developer'], { description: '`developer` is `system`.' }),
        content: CONTENT,
        name: NAME,
      },
      { ...CLOSED, title: 'System message' },
    ),
    Type.Object(
      { role: Type.Literal('user'), content: CONTENT, name: NAME },
      { ...CLOSED, title: 'User message' },
    ),
    Type.Object(
      {
        role: Type.Literal('assistant'),
        content: optional(CONTENT),
        reasoning: optional(Type.String()),
        reasoning_content: optional(Type.String()),
        tool_calls: optional(Type.Array(CALL, { maxItems: TOOLS_MAX })),
        refusal: optional(Type.String()),
        name: NAME,
        // What answers hold and clients send back as it came.
        annotations: noted(Type.Unknown()),
        parsed: noted(Type.Unknown()),
        audio: refusedUnlessEmpty('audio cannot be sent to these models'),
        function_call: refusedUnlessEmpty('use tool_calls'),
      },
      { ...CLOSED, title: 'Assistant message' },
    ),
    Type.Object(
      {
        role: Type.Literal('tool'),
        content: CONTENT,
        tool_call_id: Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX }),
        name: NAME,
      },
      { ...CLOSED, title: 'Tool message' },
    ),
  ],
  { function: 'use the role tool' },
)
export type ChatMessage = Static<typeof MESSAGE>

const TOOL = variants(
  'type',
  [
    Type.Object(
      {
        type: Type.Literal('function'),
        function: Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: NAME_CHARS_MAX }),
            description: optional(Type.String()),
            parameters: optional(JSON_SCHEMA),
            strict: noted(Type.Boolean()),
          },
          CLOSED,
        ),
      },
      CLOSED,
    ),
  ],
  { custom: 'only tools of type function are offered' },
)
export type Tool = Static<typeof TOOL>

const TOOL_CHOICE = Type.Union([
  Type.Enum(['none', 'auto', 'required']),
  variants(
    'type',
    [
      Type.Object(
        {
          type: Type.Literal('function'),
          function: Type.Object({ name: Type.String({ minLength: 1 }) }, CLOSED),
        },
        CLOSED,
      ),
    ],
    {
      allowed_tools: 'send only the tools that are allowed',
      custom: 'only tools of type function are offered',
    },
  ),
])
export type ToolChoice = Static<typeof TOOL_CHOICE>

const RESPONSE_FORMAT = variants('type', [
  Type.Object({ type: Type.Literal('text') }, CLOSED),
  Type.Object({ type: Type.Literal('json_object') }, CLOSED),
  Type.Object(
    {
      type: Type.Literal('json_schema'),
      json_schema: Type.Object(
        {
          name: optional(Type.String({ maxLength: NAME_CHARS_MAX })),
          description: noted(Type.String()),
          schema: JSON_SCHEMA,
          strict: optional(Type.Boolean({ description: 'A schema is always held strictly.' })),
        },
        CLOSED,
      ),
    },
    CLOSED,
  ),
])
export type ResponseFormat = Static<typeof RESPONSE_FORMAT>

const HINTS = {
  store: noted(Type.Unknown()),
  metadata: noted(Type.Unknown()),
  safety_identifier: noted(Type.Unknown()),
  prediction: noted(Type.Unknown()),
  verbosity: noted(Type.Unknown()),
  prompt_cache_options: noted(Type.Unknown()),
  prompt_cache_retention: noted(Type.Unknown()),
  moderation: noted(Type.Unknown()),
  modalities: noted(
    Type.Array(Type.Union([Type.Literal('text'), refused('only text is answered')])),
  ),
}

const REFUSALS = {
  audio: optional(refused('only text is answered')),
  web_search_options: optional(refused('the models have no access to the web')),
  functions: refusedUnlessEmpty('use tools'),
  function_call: refusedUnlessEmpty('use tools and tool_choice'),
}

/** The request of `POST /v1/chat/completions`. */
export const CHAT_REQUEST = compileSchema(
  Type.Object(
    {
      model: Type.String({ minLength: 1, maxLength: MODEL_NAME_MAX }),
      messages: Type.Array(MESSAGE, { minItems: 1, maxItems: MESSAGES_MAX }),
      max_completion_tokens: optional(
        Type.Integer({ minimum: 1, description: 'Tokens to generate at most; over `max_tokens`.' }),
      ),
      ...SAMPLING_FIELDS,
      logprobs: optional(Type.Boolean()),
      top_logprobs: optional(Type.Integer({ minimum: 0, maximum: 20 })),
      response_format: optional(RESPONSE_FORMAT),
      tools: optional(Type.Array(TOOL, { maxItems: TOOLS_MAX })),
      tool_choice: optional(TOOL_CHOICE),
      parallel_tool_calls: optional(Type.Boolean({ default: true })),
      reasoning_effort: optional(
        Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']),
      ),
      service_tier: optional(
        Type.String({ maxLength: 32, description: '`flex` waits behind everybody else.' }),
      ),
      prompt_cache_key: optional(
        Type.String({ maxLength: KEY_CHARS_MAX, description: 'Keeps a conversation together.' }),
      ),
      ...HINTS,
      ...REFUSALS,
    },
    { ...CLOSED, title: 'Chat completion request' },
  ),
)
export type ChatRequest = Static<typeof CHAT_REQUEST.schema>
