// The life of `/api/chat` and `/api/generate`, in Ollama's order: find the model, check what it can
// do, load it, wait for a slot, read the prompt, speak.

import { setTimeout as pause } from 'node:timers/promises'
import { type AnswerEnd, type AnswerShape, CHAT_SHAPE, GENERATE_SHAPE } from './answer-shapes.ts'
import { type AnswerWriter, StreamWriter, WholeWriter } from './answer-writers.ts'
import {
  answeredByFault,
  behaviourFor,
  type Ended,
  type StandInParts,
  takeSlot,
  type WorkCall,
} from './call.ts'
import {
  decodeChat,
  decodeGenerate,
  decodeOptions,
  type GenerationOptions,
  type GenerationRequest,
  type Tool,
} from './decode-request.ts'
import type { Behaviour } from './faults.ts'
import { isObject } from './go-json.ts'
import { readBody, sendJson } from './http-answers.ts'
import { type Catalog, findModel, isModelName, type Model } from './model-catalog.ts'
import { type AnswerPlan, planAnswer } from './plan-answer.ts'
import { Refusal } from './refusal.ts'
import { countTokens, lastUserText, renderPrompt } from './render-prompt.ts'
import { breakOff, speak } from './speak.ts'
import { nanosOf, timestampAt } from './timestamps.ts'

/** In what `/api/chat` and `/api/generate` differ. */
export interface GenerationRoute {
  /** As Ollama names it when a model cannot. */
  readonly name: 'chat' | 'generate'
  readonly shape: AnswerShape
  /** @throws {Refusal} */
  decode(body: string): GenerationRequest
  /** @throws {Refusal} */
  modelOf(catalog: Catalog, name: string): Model
}

/** `/api/chat`, which wants the model as it is written. */
export const CHAT_ROUTE: GenerationRoute = {
  name: 'chat',
  shape: CHAT_SHAPE,
  decode: decodeChat,
  modelOf(catalog, name) {
    if (!isModelName(name)) throw new Refusal(400, 'model is required')
    return known(name, findModel(catalog, name, 'as-written'))
  },
}

/** `/api/generate`, which takes the model in any case. */
export const GENERATE_ROUTE: GenerationRoute = {
  name: 'generate',
  shape: GENERATE_SHAPE,
  decode: decodeGenerate,
  modelOf(catalog, name) {
    return known(name, findModel(catalog, name, 'any-case'))
  },
}

/** One generation, from the moment all is known about it. */
interface Generation {
  readonly call: WorkCall
  readonly parts: StandInParts
  readonly route: GenerationRoute
  readonly request: GenerationRequest
  readonly model: Model
  readonly options: GenerationOptions
  readonly behaviour: Behaviour
  readonly prompt: string
  readonly promptTokens: number
}

/**
 * Answers one request and tells how that ended.
 *
 * Rejects when the client goes away. @throws {Refusal} for what Ollama answers with an error.
 */
export async function handleGeneration(
  call: WorkCall,
  parts: StandInParts,
  route: GenerationRoute,
): Promise<Ended> {
  const body = await readBody(call.req)
  const request = route.decode(body)
  const promptText = lastUserText(request)
  parts.log.describe(call.record, body, request.model, promptText)
  const behaviour = behaviourFor(call, parts, request.model, promptText)
  if (answeredByFault(call, parts, behaviour, request.model)) return 'fault'

  const model = route.modelOf(parts.catalog, request.model)
  checkAbilities(request, model, route.name)
  const options = decodeOptions(request.options)
  const { keepAliveMs } = request
  const isEmpty = request.input.kind === 'none'
  if (isEmpty && keepAliveMs === 0) {
    parts.loaded.unload(model)
    return sayNothing(call, route, request, 'unload')
  }
  await parts.loaded.load(model, { ...behaviour, keepAliveMs }, call.signal)
  if (isEmpty) return sayNothing(call, route, request, 'load')

  const prompt = renderPrompt(request, canThink(model))
  if (request.renderOnly && !behaviour.noRender) return sayPrompt(call, route, request, prompt)
  const promptTokens = countTokens(prompt) + request.contextTokens
  const loadedAtMs = performance.now()
  await takeSlot(call, parts)
  try {
    return await answer(
      { call, parts, route, request, model, options, behaviour, prompt, promptTokens },
      loadedAtMs,
    )
  } finally {
    parts.slots.release()
  }
}

async function answer(generation: Generation, loadedAtMs: number): Promise<Ended> {
  const { call, parts, behaviour } = generation
  const { res, signal, record } = call
  const writer = writerFor(generation)
  const problem = runnerProblem(generation)
  if (problem !== undefined) {
    writer.fail(problem.status, problem.message)
    return 'refused'
  }
  const prefillFromMs = performance.now()
  if (behaviour.prefillDelayMs > 0) await pause(behaviour.prefillDelayMs, undefined, { signal })
  await parts.gate.passed(signal)

  const speakFromMs = performance.now()
  const plan = planFor(generation)
  const speech = { plan, behaviour, writer, parts, record, res, signal }
  const ending = await speak(speech)
  if (ending !== undefined) {
    await breakOff(speech, ending)
    return 'fault'
  }
  writer.finish(endOf(generation, plan, { loadedAtMs, prefillFromMs, speakFromMs }))
  return 'completed'
}

function known(name: string, model: Model | undefined): Model {
  if (model === undefined) throw new Refusal(404, `model '${name}' not found`)
  return model
}

function canThink(model: Model): boolean {
  return model.capabilities.includes('thinking')
}

function checkAbilities(request: GenerationRequest, model: Model, route: string): void {
  const { think } = request
  const thinks = think !== undefined && think !== false
  if (thinks && !canThink(model)) {
    throw new Refusal(400, `"${request.model}" does not support thinking`)
  }
  if (typeof think === 'string' && !model.name.includes('gpt-oss')) {
    throw new Refusal(400, `think value "${think}" is not supported for this model`)
  }
  if (!model.capabilities.includes('completion')) {
    throw new Refusal(400, `"${request.model}" does not support ${route}`)
  }
  if (request.tools.length > 0 && !model.capabilities.includes('tools')) {
    throw new Refusal(400, `${model.fullName} does not support tools`)
  }
  if (request.suffix !== '' && !model.capabilities.includes('insert')) {
    throw new Refusal(400, `${model.fullName} does not support insert`)
  }
}

function sayNothing(
  call: WorkCall,
  { shape }: GenerationRoute,
  request: GenerationRequest,
  done_reason: 'load' | 'unload',
): Ended {
  const end: AnswerEnd = { done: true, done_reason, counters: {} }
  sendJson(call.res, 200, shape.last(headOf(request), [], end, undefined))
  return 'completed'
}

function sayPrompt(
  call: WorkCall,
  { shape }: GenerationRoute,
  request: GenerationRequest,
  prompt: string,
): Ended {
  const messages = request.input.kind === 'messages' ? request.input.messages : []
  const images = messages.reduce((sum, message) => sum + message.images, 0)
  sendJson(call.res, 200, shape.rendered(headOf(request), prompt, images))
  return 'completed'
}

function headOf({ model }: GenerationRequest) {
  return { model, created_at: timestampAt(performance.now()) }
}

function writerFor({ call, route, request, behaviour }: Generation): AnswerWriter {
  const Writer = request.stream ? StreamWriter : WholeWriter
  return new Writer({
    res: call.res,
    signal: call.signal,
    shape: route.shape,
    model: request.model,
    topLogprobs: request.topLogprobs,
    splitWaves: behaviour.splitUtf8At > 0,
  })
}

/** Errors of the runner come after the stream was prepared, and so look different from others. */
function runnerProblem(generation: Generation): Refusal | undefined {
  const { request, options, promptTokens } = generation
  const { format } = request
  if (format !== undefined && format !== 'json' && !isObject(format)) {
    const shown = JSON.stringify(JSON.stringify(format))
    const wanted = 'expected "json" or a valid JSON Schema object'
    return new Refusal(500, `invalid format: ${shown}; ${wanted}`)
  }
  if (!request.truncate && promptTokens > options.numCtx) {
    return new Refusal(400, 'the input length exceeds the context length')
  }
  return undefined
}

function planFor({ request, model, options, behaviour, prompt }: Generation): AnswerPlan {
  return planAnswer(
    {
      prompt,
      raw: request.input.kind === 'raw',
      thinks: canThink(model) && request.think !== false,
      format: request.format,
      callTools: toolsToCall(request),
      numPredict: options.numPredict,
      stop: options.stop,
    },
    behaviour,
  )
}

/** Every tool, when the user says so last; once there are results, the answer is text. */
function toolsToCall({ input, tools }: GenerationRequest): readonly Tool[] {
  if (input.kind !== 'messages' || tools.length === 0) return []
  const last = input.messages.at(-1)
  return last?.role === 'user' && last.content.includes('call the tool') ? tools : []
}

interface Marks {
  readonly loadedAtMs: number
  readonly prefillFromMs: number
  readonly speakFromMs: number
}

function endOf(generation: Generation, plan: AnswerPlan, marks: Marks): AnswerEnd {
  const { call, route, request, options, behaviour } = generation
  const nowMs = performance.now()
  const spoken = plan.pieces.length
  const read = Math.min(generation.promptTokens, options.numCtx)
  const hasContext = route.name === 'generate' && request.input.kind !== 'raw'
  const counted = {
    prompt_eval_count: read,
    prompt_eval_duration: nanosOf(marks.speakFromMs - marks.prefillFromMs),
    eval_count: spoken === 0 ? undefined : spoken,
    eval_duration: takesTime(plan) ? nanosOf(nowMs - marks.speakFromMs) : undefined,
  }
  return {
    done: true,
    done_reason: plan.doneReason,
    context: hasContext ? Array.from({ length: read + spoken }, (_, at) => at + 1) : undefined,
    counters: {
      total_duration: nanosOf(nowMs - call.record.arrivedAtMs),
      load_duration: nanosOf(marks.loadedAtMs - call.record.arrivedAtMs),
      ...(behaviour.omitCounters ? {} : counted),
    },
  }
}

/** A single token takes none: Ollama's clock starts with the first. A tool call is many tokens. */
function takesTime({ pieces }: AnswerPlan): boolean {
  return pieces.length > 1 || pieces[0]?.kind === 'tool-call'
}
