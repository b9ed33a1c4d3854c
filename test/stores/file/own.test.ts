import fs, { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { mock } from 'node:test'
import { dirname, join } from 'node:path'
import t from 'tap'
import { hostile } from '../../../lib/conformance/ids.js'
import { fileStore } from '../../../lib/stores/file.js'
import { onEachStep } from '../../support/file-steps.js'
import { fileOf, filesIn, scratch } from '../../support/file-scene.js'
import { collect, later } from '../../support/store-cases.js'

const posix = process.platform === 'win32' ? { skip: 'Windows has no modes, pipes and links for everybody' } : {}

t.test('K-37 no hostile id reaches the file system as anything but its hash', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  const paths = new Set<string>()
  const open = fs.promises.open
  t.teardown(await onEachStep(() => {}))
  const spied = fs.promises.open
  fs.promises.open = (path, ...rest) => { paths.add(String(path)); return open(path, ...rest) }
  syncBuiltinESMExports()
  for (const id of hostile) {
    await store.create(id, 'payload', later()).catch(() => {})
    await store.load(id).catch(() => {})
    await store.delete(id).catch(() => {})
  }
  fs.promises.open = spied
  t.ok(paths.size > hostile.length)
  const expected = /^(?:[0-9a-f]{2}(?:\/[0-9a-f]{64}(?:\.lock)?(?:\.(?:[0-9a-f]{16}|[0-9a-f]{24})\.(?:tmp|claim))?)?)?$/
  t.same([...paths].filter((path) => !path.startsWith(directory) || !expected.test(path.slice(directory.length + 1).replaceAll('\\', '/'))), [])
  t.same(filesIn(directory), [])
})

t.test('K-54 files are 0600 and directories 0700, also under umask 000', posix, async (t) => {
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  const directory = join(scratch(t), 'a', 'b')
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  await store.replace('id', 'payload', 'new', later())
  const path = fileOf(directory, 'id')
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  t.equal(mode(path), '600')
  for (const made of [directory, dirname(directory), dirname(path)]) t.equal(mode(made), '700')
})

t.test('K-40 a directory that is not fit is refused when the store is made', posix, async (t) => {
  const refused = (directory: unknown, message: RegExp) => t.throws(() => fileStore({ directory: directory as string }), {
    code: 'FST_TYPED_SESSION_INVALID_OPTION', message
  })
  const base = scratch(t)
  for (const mode of [0o777, 0o770, 0o755, 0o701]) {
    const open = join(base, String(mode))
    mkdirSync(open)
    chmodSync(open, mode)
    refused(open, /chmod 700/)
  }
  symlinkSync(scratch(t), join(base, 'link'))
  refused(join(base, 'link'), /symbolic link/)
  writeFileSync(join(base, 'file'), '')
  refused(join(base, 'file'), /cannot be made \(EEXIST\)/)
  refused(join(base, 'file', 'below'), /cannot be made \(ENOTDIR\)/)
  refused('', /path/)
  refused(undefined, /path/)
  const { geteuid } = process
  t.teardown(() => { process.geteuid = geteuid! })
  process.geteuid = () => 12345
  refused(base, /must belong to the user/)
  process.geteuid = undefined as never
  t.doesNotThrow(() => fileStore({ directory: join(base, String(0o777)) }), 'Windows has no owners and modes')
})

t.test('K-40 a symbolic link inside the directory is never followed', posix, async (t) => {
  const directory = scratch(t)
  const elsewhere = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later(), 'ann')
  const path = fileOf(directory, 'id')
  const target = join(elsewhere, 'target')
  renameSync(path, target)
  symlinkSync(target, path)
  t.equal(await store.load('id'), null)
  t.same(await collect(store, 'ann'), [])
  t.equal(await store.sweep(), 0)
  const before = readFileSync(target)
  t.equal(await store.create('id', 'new', later()), true)
  t.ok(lstatSync(path).isFile(), 'the link is replaced')
  t.same(readFileSync(target), before, 'and not what it points to')

  rmSync(dirname(path), { recursive: true })
  symlinkSync(elsewhere, dirname(path))
  await t.rejects(store.load('id'), /no directory/)
  await t.rejects(store.create('id', 'payload', later()), /no directory/)
  t.same(filesIn(elsewhere), [target])
})

t.test('a directory, a pipe or a device in place of a file is no session and blocks nothing', posix, async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  const path = fileOf(directory, 'id')
  rmSync(path)
  execFileSync('mkfifo', [path])
  t.equal(await store.load('id'), null)
  t.equal(await store.create('id', 'new', later()), true)
  rmSync(path)
  mkdirSync(path)
  t.equal(await store.load('id'), null)
  await t.rejects(store.create('id', 'new', later()), 'it is not removed')
})

t.test('a deadline is kept to the millisecond', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const store = fileStore({ directory: scratch(t) })
  await store.create('id', 'payload', 2000)
  mock.timers.setTime(1999)
  t.equal(await store.load('id'), 'payload')
  mock.timers.setTime(2000)
  t.equal(await store.load('id'), null)
})

t.test('what is kept outlives the store', async (t) => {
  const directory = scratch(t)
  await fileStore({ directory }).create('id', 'payload', later(), 'ann')
  const store = fileStore({ directory })
  t.equal(await store.load('id'), 'payload')
  t.equal((await collect(store, 'ann')).length, 1)
})

t.test('other files and directories in the directory are left alone', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later(), 'ann')
  const part = dirname(fileOf(directory, 'id'))
  const foreign = [join(directory, 'README'), join(part, 'notes.tmp'), `${fileOf(directory, 'id')}.bak`]
  for (const path of foreign) writeFileSync(path, 'x')
  mkdirSync(join(directory, 'other'))
  t.equal(await store.sweep(), 0)
  t.equal((await collect(store, 'ann')).length, 1)
  t.same(foreign.filter((path) => !filesIn(directory).includes(path)), [])
})

t.test('where directories cannot be synchronized, on Windows, they are not', async (t) => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!
  t.teardown(() => Object.defineProperty(process, 'platform', platform))
  const store = fileStore({ directory: scratch(t) })
  Object.defineProperty(process, 'platform', { ...platform, value: 'win32' })
  t.equal(await store.create('id', 'payload', later()), true)
  t.equal(await store.load('id'), 'payload')
})

for (const lockTimeout of [-1, NaN, Infinity, '1s']) {
  t.test(`lockTimeout: ${lockTimeout} is refused`, async (t) => {
    t.throws(() => fileStore({ directory: scratch(t), lockTimeout: lockTimeout as number }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
  })
}
