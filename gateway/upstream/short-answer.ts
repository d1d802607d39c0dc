import type { Dispatcher } from 'undici'

export interface ShortQuestion {
  readonly path: string
  /** Names and values in turn, as undici takes them. */
  readonly headers: string[]
  /** For everything, the connection included, in ms. */
  readonly timeoutMs: number
  readonly bytesMax: number
  readonly nowMs: () => number
}

export interface ShortAnswer {
  readonly text: string
  /** From the question, written on a connection that is up, to the end of the answer. */
  readonly roundTripMs: number
}

/**
 * Asks with GET and reads the whole answer. @throws when it does not come in time, is not a 200, is
 * too long, or the connection fails; the connection is closed then.
 */
export function askShort(dispatcher: Dispatcher, question: ShortQuestion): Promise<ShortAnswer> {
  const exchange = new ShortExchange(question)
  dispatcher.dispatch({ path: question.path, method: 'GET', headers: question.headers }, exchange)
  return exchange.answer
}

/**
 * One question and its answer, as undici calls it. Not `request()`: that does not say when the
 * connection was up, and a round trip that holds a handshake is none.
 */
class ShortExchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<ShortAnswer>
  readonly #question: ShortQuestion
  readonly #resolve: (answer: ShortAnswer) => void
  readonly #reject: (error: Error) => void
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #askedMs = 0
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false

  constructor(question: ShortQuestion) {
    const { promise, resolve, reject } = Promise.withResolvers<ShortAnswer>()
    this.answer = promise
    this.#question = question
    this.#resolve = resolve
    this.#reject = reject
    const { timeoutMs } = question
    this.#timer = setTimeout(
      () => this.#fail(new Error(`no answer in ${Math.round(timeoutMs)} ms`)),
      timeoutMs,
    )
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown and not aborted: the connection is good, and nothing has been written to it.
    if (this.#isOver) throw new Error('question was given up')
    this.#controller = controller
    this.#askedMs = this.#question.nowMs()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200 && status !== 200) this.#fail(new Error(`status ${status}`))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { bytesMax } = this.#question
    this.#bytes += chunk.length
    if (this.#bytes > bytesMax) this.#fail(new Error(`answer over ${bytesMax} bytes`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    const roundTripMs = this.#question.nowMs() - this.#askedMs
    this.#end()
    this.#resolve({ text: Buffer.concat(this.#chunks).toString(), roundTripMs })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#end()
    this.#reject(error)
    this.#controller?.abort(error)
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}
