// pure

/**
 * The form in which names of models are compared, as Ollama does: `x`, `x:latest`, `library/x` and
 * `registry.ollama.ai/library/x` are one, without regard to case.
 */
export function canonicalModel(name: string): string {
  const lower = name.toLowerCase().replace(OWN_REGISTRY, '')
  // A colon before the last slash belongs to a registry's port, as in `host:5000/library/x`.
  return lower.lastIndexOf(':') > lower.lastIndexOf('/') ? lower : `${lower}:latest`
}

const OWN_REGISTRY = /^(?:registry\.ollama\.ai\/)?library\//
