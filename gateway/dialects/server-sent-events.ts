// pure
//
// The few bytes of Server-Sent Events that OpenAI's streams are made of. They are written by hand
// because libraries would put `[DONE]` in quotes or give comments an `event:` line, which crashes
// the openai SDK.

/** Content type of a stream. */
export const SSE_TYPE = 'text/event-stream; charset=utf-8'

/** What says that a stream is whole. Clients stop reading here. */
export const SSE_DONE = 'data: [DONE]\n\n'

/** A frame around one line of JSON. `JSON.stringify` leaves no line break that could end it. */
export function sseFrame(json: string): string {
  return `data: ${json}\n\n`
}

/** A comment, which every client skips; `text` is one line. */
export function sseComment(text: string): string {
  return `: ${text}\n\n`
}
