import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { createReceipts, verifyReceipt } from './receipts.ts'

const RECEIPT = { requestId: 'req_g1_0', gateway: 'g1', issuedS: 7, regions: ['eu', 'us'] }

test('a receipt is verified with the published key', () => {
  const receipts = createReceipts(undefined)

  assert.deepEqual(verifyReceipt(receipts.issue(RECEIPT), receipts.publicKeyPem), RECEIPT)
})

test('a given key signs for all gateways that have it', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

  const text = createReceipts(pem).issue(RECEIPT)

  assert.deepEqual(verifyReceipt(text, createReceipts(pem).publicKeyPem), RECEIPT)
})

test('a receipt that was changed, or that somebody else signed, is none', () => {
  const receipts = createReceipts(undefined)
  const [payload = '', signature = ''] = receipts.issue(RECEIPT).split('.')
  const changed = Buffer.from(JSON.stringify({ ...RECEIPT, regions: ['eu'] })).toString('base64url')
  const foreign = createReceipts(undefined).issue(RECEIPT)

  for (const text of [
    `${changed}.${signature}`,
    foreign,
    payload,
    '',
    `${payload}.${signature}.x`,
  ]) {
    assert.equal(verifyReceipt(text, receipts.publicKeyPem), undefined)
  }
})
