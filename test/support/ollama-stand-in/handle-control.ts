// `POST /_stand-in/control` and `GET /_stand-in/state`, for tests in another process.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { decodeControlChange } from './decode-control.ts'
import { FaultSyntaxError } from './faults.ts'
import { readBody, sendJson } from './http-answers.ts'
import { Refusal } from './refusal.ts'
import type { StandInControl } from './stand-in-control.ts'

/** What begins the path of every request to the control itself. */
export const CONTROL_PREFIX = '/_stand-in/'

/**
 * Answers one control request; `?records=N` keeps the last N records, without it all are told.
 *
 * Through a door that it shares with the models it does not `refuse`: it could never be taken back.
 */
export async function handleControl(
  req: IncomingMessage,
  res: ServerResponse,
  control: StandInControl,
  door: 'own' | 'shared',
): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://stand-in')
  if (req.method === 'GET' && url.pathname === '/_stand-in/state') {
    return sendState(res, control, Number(url.searchParams.get('records') ?? 1_000))
  }
  if (req.method !== 'POST' || url.pathname !== '/_stand-in/control') {
    return sendJson(res, 404, { error: 'want GET /_stand-in/state or POST /_stand-in/control' })
  }
  try {
    const change = decodeControlChange(await readBody(req))
    if (change.refuse === true && door === 'shared') {
      throw new Refusal(400, 'refuse: needs a control port of its own')
    }
    await control.apply(change)
    sendState(res, control, 0)
  } catch (cause) {
    if (req.errored !== null) return // Who asked has gone.
    if (!(cause instanceof Refusal || cause instanceof FaultSyntaxError)) throw cause
    sendJson(res, 400, { error: cause.message })
  }
}

function sendState(res: ServerResponse, control: StandInControl, records: number): void {
  const state = control.state()
  const kept = records >= 1 ? state.records.slice(-records) : []
  sendJson(res, 200, { ...state, records: kept })
}
