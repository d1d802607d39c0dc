// pure
//
// Ollama knows tools and no `tool_choice`. Withholding them is easy; a function that must be called
// is emulated: without tools, the model is told to write that function's arguments, and its output
// is held to the schema of the parameters, so that what it writes can be sent on as the call.

import { GatewayError } from '../errors.ts'
import type { Tool, ToolChoice } from './openai-chat-schema.ts'
import type { OllamaMessage } from './openai-messages.ts'

type Called = Tool['function']

/** What of the tools reaches the model server. */
export type ToolPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'offered'; readonly tools: readonly unknown[] }
  | { readonly kind: 'forced'; readonly called: Called }

/**
 * Decides how the tools of a request are offered.
 *
 * @throws {GatewayError} unsupported_parameter when any of several functions must be called;
 * invalid_value when the function that must be called is not among them, or there is none.
 */
export function planTools(tools: readonly Tool[], choice: ToolChoice | null | undefined): ToolPlan {
  if (typeof choice === 'object' && choice !== null) {
    const called = tools.find((tool) => tool.function.name === choice.function.name)
    if (called !== undefined) return { kind: 'forced', called: called.function }
    throw invalidChoice('tool_choice.function.name', 'no tool has this name')
  }
  const [only] = tools
  if (choice === 'required') {
    if (only === undefined) throw invalidChoice('tool_choice', 'there are no tools')
    if (tools.length === 1) return { kind: 'forced', called: only.function }
    throw new GatewayError('unsupported_parameter', {
      message: "Unsupported parameter: 'tool_choice': name the function that must be called.",
      param: 'tool_choice',
    })
  }
  if (only === undefined || choice === 'none') return { kind: 'none' }
  return { kind: 'offered', tools: tools.map(ollamaTool) }
}

function ollamaTool({ type, function: called }: Tool): unknown {
  const { name, description } = called
  return {
    type,
    function: { name, ...(description ? { description } : {}), parameters: parametersOf(called) },
  }
}

/** The schema of a function's parameters; a function without any takes an empty object. */
export function parametersOf({ parameters }: Called): unknown {
  return parameters ?? { type: 'object', properties: {} }
}

/**
 * Tells the model which function it calls. The line ends the first system message, because many
 * templates render no other; where there is none it becomes one.
 */
export function withForcedFunction(
  messages: readonly OllamaMessage[],
  called: Called,
): OllamaMessage[] {
  const { name, description } = called
  const line = [
    `Answer with the arguments of a call to the function "${name}" as one JSON object`,
    description ? ` (${description})` : '',
    `, and with nothing else. Their JSON Schema: ${JSON.stringify(parametersOf(called))}`,
  ].join('')
  const [first, ...rest] = messages
  if (first?.role !== 'system') return [{ role: 'system', content: line }, ...messages]
  const content = first.content === '' ? line : `${first.content}\n\n${line}`
  return [{ ...first, content }, ...rest]
}

function invalidChoice(param: string, why: string): GatewayError {
  return new GatewayError('invalid_value', {
    message: `Invalid value for '${param}': ${why}.`,
    param,
  })
}
