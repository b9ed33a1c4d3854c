import assert from 'node:assert/strict'
import { later, newId } from './runner.js'
import type { Runner, Scene } from './runner.js'

const exact: Record<string, string> = {
  empty: '',
  'a space': ' ',
  'space at both ends': ' payload \t',
  quotes: '\'"`\'\'""',
  newlines: 'a\nb\r\nc\rd\u2028e\n',
  backslashes: '\\ \\\\ \\n \\u0041 \\x41',
  'a statement': "'); DROP TABLE sessions; --",
  placeholders: '? ?? $1 :name @name %s %d $' + '{x} {{x}}',
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈 𝒳',
  'text that could be normalized': 'e\u0301 \u00e9 \ufb01 \u212b',
  'a byte order mark': '\ufeffpayload',
  'control characters': '\u0001\u0007\u001b\u007f\u0085',
  JSON: '{"a":[1,2,{"b":null}],"c":"\\u0000"}',
  'JSON that could be rewritten': '{ "b" : 1.0, "a": 1e2, "a": -0 }',
  'a number': '007',
  'a big number': '12345678901234567890',
  'the word null': 'null',
  'the word true': 'true',
  base64: 'gAAAAA==',
  '64 KiB': '0123456789abcdef'.repeat(4096),
  '64 KiB of wide characters': 'ж€'.repeat(16_384)
}

/** No JSON text holds these, and some engines cannot. */
const refusable: Record<string, string> = {
  NUL: 'a\0b',
  'NUL at the end': 'a\0',
  'a lone high surrogate': 'a\ud800b',
  'a lone low surrogate': '\udc00',
  'surrogates the wrong way round': '\udc00\ud800'
}

export function payloadTests ({ check }: Runner): void {
  for (const [what, payload] of Object.entries(exact)) {
    check(`a payload comes back as it was given: ${what}`, (scene) => keeps(scene, payload))
  }
  for (const [what, payload] of Object.entries(refusable)) {
    check(`a payload is refused or comes back as it was given: ${what}`, async (scene) => {
      const id = newId()
      const created = await scene.store.create(id, payload, later()).catch(() => 'refused')
      if (created === 'refused') {
        assert.equal(await scene.store.load(id), null)
      } else {
        await keeps(scene, payload)
      }
    })
  }
}

async function keeps ({ store }: Scene, payload: string): Promise<void> {
  const id = newId()
  assert.equal(await store.create(id, payload, later()), true)
  assert.equal(await store.load(id), payload)
  assert.equal(await store.replace(id, payload, `${payload}2`, later()), 'replaced')
  assert.equal(await store.load(id), `${payload}2`)
  assert.equal(await store.replace(id, `${payload}2`, payload, later()), 'replaced')
  assert.equal(await store.touch(id, later()), true)
  assert.equal(await store.load(id), payload)
}
