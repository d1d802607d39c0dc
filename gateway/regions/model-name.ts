// pure

/** The form in which names of models are compared: as Ollama, `x` is `x:latest`, without case. */
export function canonicalModel(name: string): string {
  const lower = name.toLowerCase()
  // A colon before the last slash belongs to a registry's port, as in `host:5000/library/x`.
  return lower.lastIndexOf(':') > lower.lastIndexOf('/') ? lower : `${lower}:latest`
}
