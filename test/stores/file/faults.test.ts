import { chmodSync, chownSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { age, fileOf, filesIn, letPass, scratch } from '../../support/file-scene.js'
import { onEachStep } from '../../support/file-steps.js'
import { skipOrFail } from '../../support/skip.js'
import { collect, later } from '../../support/store-cases.js'
import { asRoot, mountVolume } from '../../support/volume.js'
import type { AsyncStore } from '../../../types/store.js'

const posix = process.platform === 'win32' ? { skip: 'Windows has other permissions' } : {}
const linux = process.platform === 'linux' ? {} : { skip: 'mounts a tmpfs' }
const codes = ['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EROFS', 'EDQUOT']
const fault = (code: string) => Object.assign(new Error(`${code} was injected`), { code })

const operations: Record<string, { run: (store: AsyncStore) => Promise<unknown>, before: string | null, after: string | null }> = {
  create: { run: (store) => store.create('new', 'after', later(), 'ann'), before: null, after: 'after' },
  replace: { run: (store) => store.replace('id', 'before', 'after', later(), 'ann'), before: 'before', after: 'after' },
  touch: { run: (store) => store.touch('id', later()), before: 'before', after: 'before' },
  delete: { run: (store) => store.delete('id'), before: 'before', after: null }
}

for (const [name, { run, before, after }] of Object.entries(operations)) {
  t.test(`R-18 whatever call of ${name} fails, however, the record is the old or the new one and no file is partial`, async (t) => {
    let [rejected, steps] = [0, 0]
    for (const code of codes) {
      let reached = true
      for (let failing = 0; reached; failing++, steps++) {
        reached = false
        const directory = scratch(t)
        const store = fileStore({ directory, lockTimeout: 0.05 })
        await store.create('id', 'before', later(), 'ann')
        const end = await onEachStep((_name, step) => {
          if (step !== failing) return
          reached = true
          throw fault(code)
        })
        const outcome = await run(store).then(() => 'done', (error) => error.code).finally(end)
        const where = `${code} at call ${failing}`
        if (outcome !== 'done') rejected++
        if (outcome !== 'done' && outcome !== code) t.fail(`${outcome} from ${where}`)
        const id = name === 'create' ? 'new' : 'id'
        const found = await store.load(id)
        if (outcome === 'done' ? found !== after : ![before, after].includes(found)) t.fail(`${found} after ${outcome} from ${where}`)

        // What could not be cleaned up is left over, and in nobody's way.
        for (const path of filesIn(directory)) if (/\.tmp$/.test(path)) age(path)
        await store.sweep()
        letPass(11_000)
        await store.sweep()
        if (filesIn(directory).some((path) => /\.\w+$/.test(path))) t.fail(`left after ${where}`)
        await run(store)
        if (found === before && await store.load(id) !== after) t.fail(`no recovery from ${where}`)
      }
    }
    t.ok(rejected > steps / 2, `${rejected} of ${steps} faults were told to the caller`)
  })
}

t.test('R-18 reading tells of a fault, and does not take it for an absent session', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later(), 'ann')
  const reads: Record<string, () => Promise<unknown>> = {
    load: () => store.load('id'), findBySubject: () => collect(store, 'ann'), sweep: () => store.sweep()
  }
  for (const [name, read] of Object.entries(reads)) {
    for (let failing = 0, reached = true; reached; failing++) {
      reached = false
      const end = await onEachStep((_name, step) => {
        if (step !== failing) return
        reached = true
        throw fault('EIO')
      })
      const outcome = await read().then(() => 'done', (error) => error.code).finally(end)
      t.equal(outcome, reached ? 'EIO' : 'done', `${name}, call ${failing}`)
    }
  }
})

t.test('R-18 a directory that is gone, or a volume that is not mounted, is a failure; when it is back so are the sessions', async (t) => {
  const directory = join(scratch(t), 'sessions')
  const store = fileStore({ directory })
  await store.create('id', 'payload', later(), 'ann')
  renameSync(directory, `${directory}-away`)
  const calls: Array<() => Promise<unknown>> = [
    () => store.load('id'), ...changes(store), () => collect(store, 'ann'), () => store.sweep()
  ]
  for (const call of calls) await t.rejects(call(), { code: 'ENOENT' })
  renameSync(`${directory}-away`, directory)
  t.equal(await store.load('id'), 'payload')
  t.equal((await collect(store, 'ann')).length, 1)
})

t.test('R-18 a part of the directory that is gone takes its sessions with it, and is made anew', async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  const part = dirname(fileOf(directory, 'id'))
  renameSync(part, join(directory, 'away'))
  t.equal(await store.load('id'), null)
  t.equal(await store.touch('id', later()), false)
  t.equal(await store.create('id', 'new', later()), true)
  t.equal(await store.load('id'), 'new')
})

t.test('R-18 without permission every call that needs it is a failure', posix, async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory })
  await store.create('id', 'payload', later())
  const path = fileOf(directory, 'id')
  const end = asOrdinaryUser([directory, dirname(path), path])
  try {
    chmodSync(dirname(path), 0o500)
    await t.rejects(store.touch('id', later()), { code: 'EACCES' })
    await t.rejects(store.delete('id'), { code: 'EACCES' })
    t.equal(await store.load('id'), 'payload', 'reading needs no more')
    chmodSync(dirname(path), 0o700)
    chmodSync(path, 0)
    await t.rejects(store.load('id'), { code: 'EACCES' })
    chmodSync(path, 0o600)
    t.equal(await store.touch('id', later()), true)
  } finally {
    end()
  }
})

/** Root may do everything: the test gives the files away and becomes somebody else for a while. */
function asOrdinaryUser (paths: string[]): () => void {
  if (process.geteuid!() !== 0) return () => {}
  for (const path of paths) chownSync(path, 65534, 65534)
  process.seteuid!(65534)
  return () => process.seteuid!(0)
}

t.test('R-18 on a full disk sessions are read and deleted, nothing is lost, and with room again all is well', linux, async (t) => {
  const volume = mountVolume(t, 'size=256k')
  if (volume === undefined) return skipOrFail(t, 'needs root, to mount a small file system')
  const store = fileStore({ directory: join(volume, 'sessions') })
  await store.create('id', 'payload', later())
  await store.create('other', 'payload', later())
  await store.create('ending', 'payload', later(), 'ann')
  const full = join(volume, 'full')
  t.throws(() => writeFileSync(full, Buffer.alloc(512 * 1024)), { code: 'ENOSPC' })
  await t.rejects(store.replace('id', 'payload', 'x'.repeat(20_000), later()), { code: 'ENOSPC' })
  await t.rejects(store.touch('id', later()), { code: 'ENOSPC' })
  t.equal(await store.load('id'), 'payload')
  await store.delete('other')
  t.equal(await store.load('other'), null)
  t.equal(await store.replace('ending', 'payload', 'ended', 0), 'replaced', 'and end, as destroy() ends them')
  t.equal(await store.load('ending'), null)
  t.same(filesIn(join(volume, 'sessions')), [fileOf(join(volume, 'sessions'), 'id')], 'nothing partial')
  writeFileSync(full, '')
  t.equal(await store.replace('id', 'payload', 'x'.repeat(20_000), later()), 'replaced')
})

t.test('R-18 on a volume that became read-only sessions are read, and every change is a failure', linux, async (t) => {
  const volume = mountVolume(t, 'size=256k')
  if (volume === undefined) return skipOrFail(t, 'needs root, to mount a small file system')
  const store = fileStore({ directory: join(volume, 'sessions') })
  await store.create('id', 'payload', later())
  asRoot('mount', '-o', 'remount,ro', volume)
  t.equal(await store.load('id'), 'payload')
  for (const call of changes(store)) await t.rejects(call(), { code: 'EROFS' })
  asRoot('mount', '-o', 'remount,rw', volume)
  t.equal(await store.touch('id', later()), true)
})

const changes = (store: AsyncStore): Array<() => Promise<unknown>> => [
  () => store.create('new', 'payload', later()), () => store.replace('id', 'payload', 'new', later()),
  () => store.touch('id', later()), () => store.delete('id')
]
