// pure
import type { GenerationRequest, Message } from './decode-request.ts'

/** What opens the assistant's turn; what follows it in a raw prompt is the answer so far. */
export const ASSISTANT_TURN = '<|im_start|>assistant\n'

/**
 * Renders a request as the prompt that the model reads: ChatML, in the manner of Qwen3.
 *
 * A model that thinks gets an empty thought when the client forbids thinking. Earlier turns keep
 * no thinking. A raw prompt stays as it is; without input the prompt is empty.
 */
export function renderPrompt(request: GenerationRequest, thinkingModel: boolean): string {
  const { input, template, suffix } = request
  if (input.kind === 'none') return ''
  if (input.kind === 'raw') return input.prompt
  const prompt = input.messages.at(-1)?.content ?? ''
  if (suffix !== '') return `<|fim_prefix|>${prompt}<|fim_suffix|>${suffix}<|fim_middle|>`
  if (template !== '') return fillTemplate(template, input.messages, prompt)
  const noThought = thinkingModel && request.think === false ? '<think>\n\n</think>\n\n' : ''
  return renderTools(request) + input.messages.map(renderTurn).join('') + ASSISTANT_TURN + noThought
}

/** Finds the last thing the user said; of a raw prompt its last user turn, else all of it. */
export function lastUserText({ input }: GenerationRequest): string {
  switch (input.kind) {
    case 'none':
      return ''
    case 'messages':
      return input.messages.findLast((message) => message.role === 'user')?.content ?? ''
    case 'raw': {
      const [turn = ''] = input.prompt.split('<|im_start|>user\n').at(-1)?.split('<|im_end|>') ?? []
      return turn
    }
    default:
      return input satisfies never
  }
}

/** Counts tokens as four characters each, at least one; a count that only grows with the prompt. */
export function countTokens(prompt: string): number {
  return Math.max(1, Math.ceil(prompt.length / 4))
}

function fillTemplate(template: string, messages: readonly Message[], prompt: string): string {
  const system = messages.find((message) => message.role === 'system')?.content ?? ''
  return template
    .replace(/\{\{-?\s*\.System\s*-?\}\}/g, () => system)
    .replace(/\{\{-?\s*\.Prompt\s*-?\}\}/g, () => prompt)
}

function renderTools({ tools }: GenerationRequest): string {
  if (tools.length === 0) return ''
  return `<|im_start|>system\n# Tools\n${JSON.stringify(tools)}<|im_end|>\n`
}

function renderTurn(message: Message): string {
  const images = Array.from({ length: message.images }, (_, at) => `[img-${at}]`).join('')
  const calls = message.toolCalls === '' ? '' : `\n<tool_call>\n${message.toolCalls}\n</tool_call>`
  return `<|im_start|>${message.role}\n${images}${message.content}${calls}<|im_end|>\n`
}
