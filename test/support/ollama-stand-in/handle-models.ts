// What is on offer and what is in memory: `/api/tags`, `/api/ps`, `/api/show`.

import type { Call, StandInParts } from './call.ts'
import { decodeShow } from './decode-request.ts'
import { EMBEDDING_LENGTH } from './embedding-vectors.ts'
import { readBody, sendJson } from './http-answers.ts'
import { findModel, type Model } from './model-catalog.ts'
import { Refusal } from './refusal.ts'
import { timestampAt } from './timestamps.ts'

/** A semantic version that no Ollama has, so that clients can read it and people can see it. */
export const VERSION = '0.13.5-standin'

/** All models were made at one moment, so that two listings of two stand-ins are equal. */
const MODIFIED_AT = '2025-12-18T09:30:00.123456789Z'
const CONTEXT_LENGTH = 4_096
const BLOCK_COUNT = 30

/** Answers `/api/tags`. */
export function handleTags({ res }: Call, { catalog }: StandInParts): void {
  sendJson(res, 200, {
    models: catalog.map((model) => ({
      name: model.name,
      model: model.name,
      modified_at: MODIFIED_AT,
      size: model.sizeBytes,
      digest: model.digest,
      details: model.details,
    })),
  })
}

/** Answers `/api/ps` with the models that requests have loaded and that have not expired. */
export function handlePs({ res }: Call, { loaded }: StandInParts): void {
  sendJson(res, 200, {
    models: loaded.list().map(({ model, expiresAtMs }) => ({
      name: model.name,
      model: model.name,
      size: 2 * model.sizeBytes,
      digest: model.digest,
      details: model.details,
      expires_at: timestampAt(expiresAtMs),
      size_vram: 0,
      context_length: CONTEXT_LENGTH,
    })),
  })
}

/** Answers `/api/show`. @throws {Refusal} 400 without a name, 404 for one that is unknown. */
export async function handleShow({ req, res }: Call, { catalog }: StandInParts): Promise<void> {
  const name = decodeShow(await readBody(req))
  const model = findModel(catalog, name, 'as-written')
  if (model === undefined) throw new Refusal(404, `model '${name}' not found`)
  sendJson(res, 200, describe(model))
}

const TEMPLATE =
  '{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}'

function describe(model: Model): object {
  const from = `/models/blobs/sha256-${model.digest}`
  return {
    modelfile: `# A stand-in has no model.\nFROM ${from}\nTEMPLATE """${TEMPLATE}"""\n`,
    parameters: 'stop                           "<|im_start|>"',
    template: TEMPLATE,
    details: { ...model.details, parent_model: from },
    model_info: infoOf(model),
    tensors: Array.from({ length: BLOCK_COUNT }, (_, block) => {
      const shape = [EMBEDDING_LENGTH, EMBEDDING_LENGTH]
      return { name: `blk.${block}.attn_q.weight`, type: 'Q4_1', shape }
    }),
    capabilities: model.capabilities,
    modified_at: MODIFIED_AT,
  }
}

/** The keys of a small Llama, with its architecture's name before those that depend on it. */
function infoOf({ details }: Model): object {
  const { family } = details
  return {
    'general.architecture': family,
    'general.basename': family,
    'general.file_type': 3,
    'general.finetune': 'Instruct',
    'general.languages': null,
    'general.license': 'apache-2.0',
    'general.organization': 'Meridian',
    'general.parameter_count': 134_515_008,
    'general.quantization_version': 2,
    'general.size_label': details.parameter_size,
    'general.type': 'model',
    [`${family}.attention.head_count`]: 9,
    [`${family}.attention.head_count_kv`]: 3,
    [`${family}.attention.layer_norm_rms_epsilon`]: 0.00001,
    [`${family}.block_count`]: BLOCK_COUNT,
    [`${family}.context_length`]: CONTEXT_LENGTH,
    [`${family}.embedding_length`]: EMBEDDING_LENGTH,
    [`${family}.feed_forward_length`]: 4 * EMBEDDING_LENGTH,
    [`${family}.rope.dimension_count`]: 64,
    [`${family}.rope.freq_base`]: 100_000,
    [`${family}.vocab_size`]: 49_152,
    'tokenizer.ggml.add_bos_token': false,
    'tokenizer.ggml.add_space_prefix': false,
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.ggml.merges': null,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.padding_token_id': 2,
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.token_type': null,
    'tokenizer.ggml.tokens': null,
    'tokenizer.ggml.unknown_token_id': 0,
  }
}
