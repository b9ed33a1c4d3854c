import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { hmacSha256 } from '../../../lib/tokens/hmac.js'

const hex = (text: string) => Buffer.from(text, 'hex')

/** RFC 4231 §4.2–4.5, the cases whose key is not longer than a block. */
const RFC_4231: ReadonlyArray<readonly [key: Buffer, data: Buffer, mac: string]> = [
  [Buffer.alloc(20, 0x0b), Buffer.from('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  [Buffer.alloc(20, 0xaa), Buffer.alloc(50, 0xdd), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  [hex('0102030405060708090a0b0c0d0e0f10111213141516171819'), Buffer.alloc(50, 0xcd), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b']
]

for (const [index, [key, data, mac]] of RFC_4231.entries()) {
  t.test(`test case ${index + 1} of RFC 4231, wherever the prefix ends`, async (t) => {
    for (const at of [0, 1, data.length]) t.equal(hmacSha256(key, data.subarray(0, at))(data.subarray(at)).toString('hex'), mac)
  })
}

t.test('it is what createHmac makes, for every key, prefix and message, one after the other', async (t) => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' })
  fc.assert(fc.property(bytes(64), bytes(200), fc.array(bytes(5000), { minLength: 1, maxLength: 5 }), (key, prefix, messages) => {
    const mac = hmacSha256(key, prefix)
    return messages.every((message) => mac(message).equals(createHmac('sha256', key).update(prefix).update(message).digest()))
  }))
  t.pass()
})

t.test('messages around the length that needs no new memory, up and down', async (t) => {
  const mac = hmacSha256(Buffer.alloc(32, 1), Buffer.from('prefix'))
  for (const length of [4096, 4097, 4095, 0, 100_000, 38, 4096]) {
    const message = Buffer.alloc(length, length)
    t.same(mac(message), createHmac('sha256', Buffer.alloc(32, 1)).update('prefix').update(message).digest(), `${length} bytes`)
  }
})
