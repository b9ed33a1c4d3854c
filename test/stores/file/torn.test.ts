import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { fileOf, filesIn, scratch } from '../../support/file-scene.js'
import { collect, later } from '../../support/store-cases.js'

t.test('R-17 a file cut at any length, or changed in any byte, is no session and no error', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  const deadline = later()
  await store.create('id', '{"a":"é"}', deadline, 'ann')
  const path = fileOf(directory, 'id')
  const whole = readFileSync(path)
  const bad: number[] = []
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length))
    if (await store.load('id') !== null || (await collect(store, 'ann')).length > 0) bad.push(length)
    const changed = Buffer.from(whole)
    changed[length]! ^= 1 + (length % 255)
    writeFileSync(path, changed)
    if (await store.load('id') !== null) bad.push(length)
  }
  t.same(bad, [])
  writeFileSync(path, Buffer.concat([whole, whole]))
  t.equal(await store.load('id'), null, 'twice the file')
  t.equal(await store.touch('id', later()), false)
  t.equal(await store.replace('id', '{"a":"é"}', 'new', later()), 'missing')
  t.equal(await store.create('id', 'anew', later()), true)
  t.equal(await store.load('id'), 'anew')
})

t.test('K-38 a file of another id, or of another program, is no session', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('admin', 'secret', later(), 'ann')
  const path = fileOf(directory, 'guest')
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(fileOf(directory, 'admin'), path)
  t.equal(await store.load('guest'), null)
  t.equal(await store.touch('guest', later()), false)
  writeFileSync(path, '{"id":"guest","payload":"uploaded"}')
  t.equal(await store.load('guest'), null)
  t.equal(await store.sweep(), 0)
  t.ok(filesIn(directory).includes(path), 'and sweep leaves it to its owner')
})

t.test('sweep removes a torn file of ours, and does not count it as a session', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  const path = fileOf(directory, 'id')
  writeFileSync(path, readFileSync(path).subarray(0, 100))
  t.equal(await store.sweep(), 0)
  t.same(filesIn(directory), [])
})

t.test('a file with a right checksum and a wrong header is no session', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  const path = fileOf(directory, 'id')
  const right = { id: 'id', expiresAt: later(), length: 7 }
  const write = (header: unknown, payload = 'payload') => {
    const rest = `${typeof header === 'string' ? header : JSON.stringify(header)}\n${payload}`
    writeFileSync(path, `fastify-typed-session 1 ${createHash('sha256').update(rest).digest('hex')}\n${rest}`)
  }
  write(right)
  t.equal(await store.load('id'), 'payload', 'this is how to write one')
  const wrong = ['', 'null', '[]', '7', '{', { ...right, id: 1 }, { ...right, expiresAt: 'x' }, { ...right, length: 8 }, { ...right, length: '7' }, { ...right, subject: 1 }]
  for (const header of wrong) {
    write(header)
    t.equal(await store.load('id'), null, JSON.stringify(header))
  }
  writeFileSync(path, `fastify-typed-session 1 ${createHash('sha256').update('{}').digest('hex')}\n{}`)
  t.equal(await store.load('id'), null, 'no line end')
})
