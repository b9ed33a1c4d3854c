import t from 'tap'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { Worker } from 'node:worker_threads'
import { random } from '../../../lib/tokens/random.js'
import { keyrings } from '../../support/tokens.js'

const binding = { application: '', session: 'session', cookie: '__Host-Http-session' }

function withGenerator<T> (generator: (buffer: Buffer) => Buffer, run: () => T): T {
  const original = crypto.randomFillSync
  Object.assign(crypto, { randomFillSync: generator })
  syncBuiltinESMExports()
  try {
    return run()
  } finally {
    Object.assign(crypto, { randomFillSync: original })
    syncBuiltinESMExports()
  }
}
const broken = (): never => { throw new Error('no entropy') }

t.test('random bytes are as many as asked for, also more than the pool holds', async (t) => {
  for (const bytes of [0, 1, 12, 32, 4095, 4096, 4097, 10_000]) t.equal(random(bytes).length, bytes)
  t.notOk(random(4097).equals(Buffer.alloc(4097)))
  for (const bytes of [-1, NaN, Infinity]) t.throws(() => random(bytes), RangeError)
})

t.test('every byte of the generator is handed out at most once, in order (S-7.2.3)', async (t) => {
  const filled: Buffer[] = []
  const given = withGenerator((buffer) => {
    crypto.randomBytes(buffer.length).copy(buffer)
    filled.push(Buffer.from(buffer))
    return buffer
  }, () => {
    while (filled.length === 0) random(32)
    // The filling request took the first 32; what follows must be the rest of the first filling and then the second.
    return Array.from({ length: 127 + 128 }, () => random(32))
  })
  t.equal(filled.length, 2)
  t.ok(Buffer.concat(given).equals(Buffer.concat(filled).subarray(32)))
})

t.test('what was handed out is wiped from the pool', async (t) => {
  let pool: Buffer = Buffer.alloc(0)
  withGenerator((buffer) => {
    pool = buffer
    return buffer.fill(7)
  }, () => { while (pool.length === 0) random(64) })
  t.equal(pool.indexOf(7), 64, 'the 64 bytes of the request that filled it')
  random(12)
  t.equal(pool.indexOf(7), 76)
  random(4096) // no more of these sevens
})

t.test('what was handed out is a copy: writing to it changes nothing that is handed out later', async (t) => {
  const first = random(32)
  const before = Buffer.from(first)
  first.fill(0xff)
  const later = Array.from({ length: 200 }, () => random(32))
  t.notOk(later.some((bytes) => bytes.equals(Buffer.alloc(32, 0xff)) || bytes.equals(before)))
  t.equal(new Set(later.map((bytes) => bytes.toString('hex'))).size, 200)
})

t.test('without randomness nothing is handed out and nothing is sealed, again and again (S-7.2.3)', async (t) => {
  const keyring = keyrings([Buffer.alloc(32, 1)], binding)
  keyring.sealed.write(Buffer.alloc(1))
  withGenerator(broken, () => {
    const left = (run: () => unknown) => {
      let times = 0
      for (; times < 1000; times++) try { run() } catch { break }
      return times
    }
    t.ok(left(() => random(32)) < 4096 / 32, 'the pool runs dry')
    for (let attempt = 0; attempt < 3; attempt++) {
      t.throws(() => random(32), { message: 'no entropy' })
      t.throws(() => random(1), { message: 'no entropy' }, 'not even what would still have fitted')
      t.throws(() => random(5000), { message: 'no entropy' })
      t.throws(() => keyring.sealed.write(Buffer.alloc(1)), { message: 'no entropy' }, 'with a key at hand')
      t.throws(() => keyrings([Buffer.alloc(32, 1)], binding).sealed.write(Buffer.alloc(1)), { message: 'no entropy' }, 'with none')
    }
  })
  t.ok(keyring.sealed.read(keyring.sealed.write(Buffer.alloc(1))), 'it goes on once there is randomness again')
})

t.test('a generator that fails half way does not leave a half filled pool', async (t) => {
  t.throws(() => withGenerator((buffer) => {
    buffer.fill(7, 0, 2048)
    throw new Error('interrupted')
  }, () => { for (let i = 0; i < 200; i++) random(32) }), { message: 'interrupted' })
  t.notOk(Array.from({ length: 128 }, () => random(32)).some((bytes) => bytes.equals(Buffer.alloc(32, 7))))
})

t.test('bits are balanced: no byte value and no bit is preferred (S-7.2.3)', async (t) => {
  const sample = Buffer.concat(Array.from({ length: 10_000 }, () => random(32)))
  const counts = new Array<number>(256).fill(0)
  for (const byte of sample) counts[byte]!++
  const expected = sample.length / 256
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 255 degrees of freedom: mean 255, deviation 22.6. Six deviations, so that the test does not fail by chance.
  t.ok(chiSquare > 119 && chiSquare < 391, `chi-square ${chiSquare}`)
})

t.test('threads never share a nonce or an id (S-11.3.4)', async (t) => {
  const THREADS = 3
  const EACH = 20_000
  const workers = Array.from({ length: THREADS }, () => new Worker(new URL('../../support/seal-worker.js', import.meta.url), {
    workerData: { count: EACH, binding }
  }))
  const results = await Promise.all(workers.map((worker) => new Promise<string[]>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })))
  const keyring = keyrings([Buffer.alloc(32, 1)], binding)
  const own = Array.from({ length: EACH }, () => keyring.sealed.write(Buffer.alloc(0)).slice(7, 39))
  const nonces = [...results.flat(), ...own]
  t.equal(nonces.length, EACH * (THREADS + 1))
  t.equal(new Set(nonces).size, nonces.length)
})
