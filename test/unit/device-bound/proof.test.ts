import fc from 'fast-check'
import t from 'tap'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { challengeHeader, registrationHeader, skipsIn, textOf } from '../../../lib/device-bound/headers.js'
import { readProof, readRegistration } from '../../../lib/device-bound/proof.js'
import type { Algorithm } from '../../../lib/record/device.js'
import { readText } from '../../support/documents.js'
import { makeKey, makeProof } from '../../support/fake-browser.js'
import { law } from '../../support/records.js'

interface Sent { challenge: string, response: string, key: Record<string, string> }
const { headers, registration, refresh, chromium } = JSON.parse(readText('test/vectors/device-bound.json')) as {
  headers: Record<string, string> & { algorithms: Algorithm[], path: string, challenge: string, id: string }
  registration: Sent & { algorithm: Algorithm, privateKey: Record<string, string> }
  refresh: Pick<Sent, 'response'>
  chromium: { registration: Sent, refresh: Omit<Sent, 'key'> }
}

t.test('the headers of the public vectors are made, character for character', async t => {
  t.equal(registrationHeader(headers.algorithms, headers.path, headers.challenge), headers['Secure-Session-Registration'])
  t.equal(challengeHeader(headers.challenge, headers.id), headers['Secure-Session-Challenge'])
})

t.test('the proofs of the public vectors are accepted, and made', async t => {
  const { challenge, algorithm, key, response, privateKey } = registration
  t.match(readRegistration(response), { challenge, algorithm, key })
  t.match(readProof(refresh.response, { algorithm, key }), { challenge })
  const ours = { algorithm, privateKey: createPrivateKey({ key: privateKey, format: 'jwk' }), jwk: key }
  const unsigned = (proof: string) => proof.slice(0, proof.lastIndexOf('.'))
  // A signature of ECDSA is another one each time.
  t.equal(unsigned(makeProof(ours, challenge)), unsigned(refresh.response))
  t.match(readRegistration(makeProof(ours, challenge, { bring: true })), { challenge, key })
  t.equal(readProof(response, { algorithm, key }), null, 'a registration is no refresh')
  t.equal(readRegistration(refresh.response), null)
})

t.test('what Chromium has sent is accepted', async t => {
  const { challenge, key, response } = chromium.registration
  t.match(readRegistration(response), { challenge, key, algorithm: 'ES256' })
  t.match(readProof(chromium.refresh.response, { algorithm: 'ES256', key }), { challenge: chromium.refresh.challenge })
})

t.test('of a key only that is kept which makes it up', async t => {
  const key = makeKey()
  const read = readRegistration(makeProof({ ...key, jwk: { ...key.jwk, kid: 'k', d: 'private', use: 'sig' } }, 'c', { bring: true }))
  t.strictSame(Object.keys(read?.key ?? {}), ['kty', 'crv', 'x', 'y'])
  t.strictSame(Object.keys(readRegistration(makeProof(makeKey('RS256'), 'c', { bring: true }))?.key ?? {}), ['kty', 'n', 'e'])
})

t.test('a proof of more than 4096 characters is not looked at', async t => {
  const key = makeKey()
  const proof = (filler: number) => makeProof(key, 'c', { bring: true, payload: { filler: 'x'.repeat(filler) } })
  t.type(readRegistration(proof(2000)), 'object')
  t.equal(readRegistration(proof(4000)), null)
})

t.test('RSA keys have 2048 bits at least, and 4096 at most', async t => {
  for (const [bits, algorithm] of [[2047, undefined], [2048, 'RS256'], [4104, undefined]] as const) {
    t.equal(readRegistration(makeProof(makeKey('RS256', bits), 'c', { bring: true }))?.algorithm, algorithm, String(bits))
  }
})

t.test('RSA keys have the exponent that all devices use: with another a forgery could cost a hundred times the work', async t => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 65_539 })
  const key = { algorithm: 'RS256', privateKey, jwk: publicKey.export({ format: 'jwk' }) } as const
  t.equal(readRegistration(makeProof({ ...key, jwk: { ...key.jwk } }, 'c', { bring: true })), null)
})

t.test('nothing that a browser may send makes the reader throw, and no changed character is accepted', async t => {
  const { challenge, key, response, algorithm } = registration
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string().map((text) => `${text}.${text}.${text}`), fc.json().map((text) => `${Buffer.from(text).toString('base64url')}.e30.AA`)), (text) => {
    t.equal(readRegistration(text), null)
    t.equal(readProof(text, { algorithm, key }), null)
  }), law)
  for (let at = 0; at < refresh.response.length; at++) {
    const other = refresh.response[at] === 'A' ? 'B' : 'A'
    const changed = `${refresh.response.slice(0, at)}${other}${refresh.response.slice(at + 1)}`
    if (readProof(changed, { algorithm, key })?.challenge === challenge) t.fail(`accepted with another character at ${at}`)
  }
  t.equal(readRegistration(`${response}.${response}`), null)
  const [head = '', body = '', mark = ''] = refresh.response.split('.')
  for (const bytes of [0, 1, 32, 63, 65, 128, 1000]) t.equal(readProof(`${head}.${body}.${Buffer.alloc(bytes, mark, 'base64url').toString('base64url')}`, { algorithm, key }), null, `${bytes} bytes`)
  t.equal(readProof(refresh.response, { algorithm, key: {} }), null, 'a record without a key')
})

t.test('the text of a header is read bare, quoted, and with parameters', async t => {
  const read = (value: unknown) => textOf({ headers: { h: value } } as never, 'h')
  for (const value of ['abc', '"abc"', ' "abc" ', 'abc;p=1', '"abc";p="1"', ' abc ']) t.equal(read(value), 'abc', value)
  t.strictSame([read(undefined), read(['a', 'b']), read(''), read('""')], [null, null, '', ''])
  t.equal(read('"a"b"'), 'a')
})

t.test('only words that the draft has are heard of why a browser has not refreshed', async t => {
  const skips = (value: string | string[]) => skipsIn({ 'secure-session-skipped': value })
  t.strictSame(skips(['unreachable;session_identifier="a"', 'quota_exceeded']), ['unreachable', 'quota_exceeded'])
  t.strictSame([skipsIn({}), skips('other'), skips('x, server_error'), skips('server_errors')], [[], [], ['server_error'], []])
})
