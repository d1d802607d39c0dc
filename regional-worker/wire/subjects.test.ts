import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  frameInbox,
  frameInboxPrefix,
  INTERACTIVE_STREAM,
  interactiveSubject,
  MEMBER_ID,
  pullSubject,
  QUEUE_NAME,
  WORKER_HEARTBEATS,
  WORKER_OFFLINES,
  workerControlSubject,
  workerHeartbeatSubject,
  workerInboxPrefix,
  workerOfflineSubject,
} from './subjects.ts'

test('the subjects are those that accounts and permissions are written for', () => {
  assert.equal(interactiveSubject('cpu'), 'work.interactive.cpu')
  assert.equal(frameInbox('i1', 'ab'), '_INBOX.ingress.i1.ab')
  assert.equal(frameInboxPrefix('i1'), '_INBOX.ingress.i1')
  assert.equal(workerInboxPrefix('w1'), '_INBOX.worker.w1')
  assert.equal(workerControlSubject('w1'), 'control.worker.w1')
  assert.equal(pullSubject(INTERACTIVE_STREAM, 'cpu'), '$JS.API.CONSUMER.MSG.NEXT.INTERACTIVE.cpu')
})

test("what all workers say is heard under one subject with a star in the worker's place", () => {
  assert.equal(workerHeartbeatSubject('*'), WORKER_HEARTBEATS)
  assert.equal(workerOfflineSubject('*'), WORKER_OFFLINES)
})

test('a name with a dot, a star or white space can never become part of a subject', () => {
  for (const name of ['a.b', '*', '>', 'a b', '', 'a\n']) {
    assert.doesNotMatch(name, QUEUE_NAME)
    assert.doesNotMatch(name, MEMBER_ID)
  }
})
