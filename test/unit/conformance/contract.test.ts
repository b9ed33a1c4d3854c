import { mock } from 'node:test'
import t from 'tap'
import { storeConformance } from '../../../lib/conformance.js'
import { memoryStore } from '../../../lib/stores/memory.js'
import type { ConformanceOptions, OpenStore } from '../../../lib/conformance.js'
import type { SessionStore } from '../../../types/store.js'

/** Milliseconds that vitest and jest give a test. */
const longest = 5000
/** Time goes on by itself, while everything that can be done without waiting is done. */
const TICK = 5

/**
 * Runs the contract, or those of its tests that are `meant`, against a store, by a clock that is set. Gives the names of the tests
 * that failed, or waited too long.
 */
async function failures (open: OpenStore, options?: ConformanceOptions, meant = /^/): Promise<string[]> {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() })
  mock.method(performance, 'now', () => Date.now())
  const running = new Set<string>()
  const failed: string[] = []
  storeConformance((name, fn) => {
    if (!meant.test(name)) return
    const start = Date.now()
    running.add(name)
    fn().then(() => Date.now() - start < longest, () => false).then((passed) => {
      running.delete(name)
      if (!passed) failed.push(name)
    })
  }, open, options)
  for (const end = Date.now() + 10 * longest; running.size > 0 && Date.now() < end;) {
    for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve))
    mock.timers.tick(TICK)
  }
  mock.reset()
  return [...failed, ...running]
}

/** A memory store with some members replaced by worse ones. */
function worse (change: (store: SessionStore) => Partial<SessionStore>): () => SessionStore {
  return () => {
    const store = memoryStore()
    const members: SessionStore = {
      create: (...args) => store.create(...args),
      load: (id) => store.load(id),
      replace: (...args) => store.replace(...args),
      touch: (...args) => store.touch(...args),
      delete: (id) => store.delete(id),
      findBySubject: (subject) => store.findBySubject(subject),
      sweep: () => store.sweep()
    }
    return Object.assign(members, change({ ...members }))
  }
}

const fold = (text: string) => text.trimEnd().toLowerCase()
const over = (store: SessionStore, margin: number) => {
  const deadlines = new Map<string, number>()
  return {
    ids: () => [...deadlines].filter(([, expiresAt]) => expiresAt <= Date.now() + margin).map(([id]) => id),
    create: ((id, payload, expiresAt, subject) => {
      deadlines.set(id, expiresAt)
      return store.create(id, payload, expiresAt, subject)
    }) satisfies SessionStore['create']
  }
}

/** A store whose `replace` compares no more than this. */
const comparing = (length: number) => (store: SessionStore): Partial<SessionStore> => ({
  async replace (id, expected, ...rest) {
    const found = await store.load(id)
    return store.replace(id, found?.slice(0, length) === expected.slice(0, length) ? found : expected, ...rest)
  }
})

/** A `replace` that does `instead` where the payload stays what it is. */
const equally = (store: SessionStore, instead: (id: string, expiresAt: number) => unknown): SessionStore['replace'] =>
  async (id, expected, payload, expiresAt, subject) => {
    if (payload !== expected || await store.load(id) !== expected) return store.replace(id, expected, payload, expiresAt, subject)
    await instead(id, expiresAt)
    return 'replaced'
  }

/** A `create` that reads, and writes a moment later, where `isOpen` says so of the id and the deadline it last had. */
function racyOver (store: SessionStore, isOpen: (deadline: number | undefined, id: string) => boolean): SessionStore['create'] {
  const deadlines = new Map<string, number>()
  return async (id, payload, expiresAt, subject) => {
    if (isOpen(deadlines.get(id), id) && await store.load(id) === null) {
      await breath()
      await store.delete(id)
    }
    const created = await store.create(id, payload, expiresAt, subject)
    if (created) deadlines.set(id, expiresAt)
    return created
  }
}

const breath = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('a store that keeps the contract fails nothing', async (t) => {
  t.same(await failures(worse(() => ({}))), [])
})

const mistakes: Record<string, { mistake: (store: SessionStore) => Partial<SessionStore>, caught: RegExp }> = {
  'create writes over a taken id': {
    mistake: (store) => ({ async create (id, ...rest) { await store.delete(id); return store.create(id, ...rest) } }),
    caught: /create refuses a taken id/
  },
  'a refused create moves the deadline': {
    mistake: (store) => ({ async create (id, payload, expiresAt, subject) { return await store.create(id, payload, expiresAt, subject) || (await store.touch(id, expiresAt), false) } }),
    caught: /create refuses a taken id/
  },
  'create reads, then writes': {
    mistake: (store) => ({
      async create (id, ...rest) {
        if (await store.load(id) !== null) return false
        await breath()
        await store.delete(id)
        return store.create(id, ...rest)
      }
    }),
    caught: /parallel creates of one id/
  },
  'create over an expired record reads, then writes': {
    mistake: (store) => ({ create: racyOver(store, (known) => known !== undefined && known <= Date.now()) }),
    caught: /parallel creates over an expired record/
  },
  'create of a deleted id reads, then writes': {
    mistake: (store) => {
      const deleted = new Set<string>()
      return {
        create: racyOver(store, (_known, id) => deleted.has(id)),
        delete (id) { deleted.add(id); return store.delete(id) }
      }
    },
    caught: /parallel creates of an id that was deleted a moment ago/
  },
  'replace writes blindly': {
    mistake: (store) => ({ async replace (id, _expected, ...rest) { return store.replace(id, await store.load(id) ?? '', ...rest) } }),
    caught: /nothing else/
  },
  'replace reads, then writes': {
    mistake: (store) => ({
      async replace (id, expected, ...rest) {
        const found = await store.load(id)
        if (found === null) return 'missing'
        if (found !== expected) return 'conflict'
        await breath()
        return store.replace(id, await store.load(id) ?? '', ...rest)
      }
    }),
    caught: /parallel replaces/
  },
  'replace makes what is missing': {
    mistake: (store) => ({ async replace (id, expected, ...rest) { return await store.create(id, ...rest) ? 'replaced' : store.replace(id, expected, ...rest) } }),
    caught: /no error|makes nothing/
  },
  'replace keeps the old deadline': {
    mistake: (store) => ({
      async replace (id, expected, payload, expiresAt, subject) {
        for await (const record of store.findBySubject!('all')) if (record.id === id) expiresAt = record.expiresAt
        return store.replace(id, expected, payload, expiresAt, subject ?? 'all')
      },
      create: (id, payload, expiresAt, subject = 'all') => store.create(id, payload, expiresAt, subject)
    }),
    caught: /touch and replace move the deadline/
  },
  'replace by an equal payload writes nothing': {
    mistake: (store) => ({ replace: equally(store, () => {}) }),
    caught: /equal payload moves the deadline/
  },
  'replace by an equal payload only prolongs': {
    mistake: (store) => ({
      replace: equally(store, async (id, expiresAt) => { if (expiresAt > Date.now() + 60_000) await store.touch(id, expiresAt) })
    }),
    caught: /equal payload moves the deadline/
  },
  'replace by an equal payload leaves the subject': {
    mistake: (store) => ({ replace: equally(store, (id, expiresAt) => store.touch(id, expiresAt)) }),
    caught: /findBySubject follows a replace by an equal payload/
  },
  'an index that a replace by an equal payload leaves as it is': {
    mistake: (store) => {
      const entries = new Map<string, number>()
      return {
        create (id, payload, expiresAt, subject) { entries.set(id, expiresAt); return store.create(id, payload, expiresAt, subject) },
        replace (id, expected, payload, expiresAt, subject) {
          if (payload !== expected) entries.set(id, expiresAt)
          return store.replace(id, expected, payload, expiresAt, subject)
        },
        touch (id, expiresAt) { entries.set(id, expiresAt); return store.touch(id, expiresAt) },
        async * findBySubject (subject) {
          for await (const record of store.findBySubject!(subject)) if (entries.get(record.id)! > Date.now()) yield record
        }
      }
    },
    caught: /loses what expired/
  },
  'replace compares without case, as a collation does': {
    mistake: (store) => ({ async replace (id, expected, ...rest) { const found = await store.load(id); return store.replace(id, found !== null && fold(found) === fold(expected) ? found : expected, ...rest) } }),
    caught: /compares case/
  },
  'replace compares the first 255 characters': { mistake: comparing(255), caught: /to its last character/ },
  'replace compares the first 64 KiB': { mistake: comparing(65_536), caught: /to its last character/ },
  'replace holds a lock that delete does not know': {
    mistake: (store) => {
      let turn: Promise<unknown> = Promise.resolve()
      return {
        replace (id, expected, ...rest) {
          const outcome = turn.then(async () => {
            const found = await store.load(id)
            if (found !== expected) return found === null ? 'missing' : 'conflict'
            await breath()
            await store.delete(id)
            await store.create(id, ...rest)
            return 'replaced'
          })
          turn = outcome
          return outcome
        }
      }
    },
    caught: /deleted while it is being replaced/
  },
  'create over an expired record keeps its subject': {
    mistake: (store) => {
      const subjects = new Map<string, string>()
      return {
        create (id, payload, expiresAt, subject = subjects.get(id)) {
          if (subject !== undefined) subjects.set(id, subject)
          return store.create(id, payload, expiresAt, subject)
        }
      }
    },
    caught: /loses what expired/
  },
  'a record without a subject is that of the empty one': {
    mistake: (store) => ({ create: (id, payload, expiresAt, subject = '') => store.create(id, payload, expiresAt, subject) }),
    caught: /each live record of a subject/
  },
  'touch brings back what is gone': {
    mistake: (store) => {
      const payloads = new Map<string, string>()
      return {
        create (id, payload, ...rest) { payloads.set(id, payload); return store.create(id, payload, ...rest) },
        async touch (id, expiresAt) { return await store.touch(id, expiresAt) || store.create(id, payloads.get(id) ?? '', expiresAt) }
      }
    },
    caught: /deleted while it is being touched/
  },
  'touch writes the payload it read': {
    mistake: (store) => ({
      async touch (id, expiresAt) {
        const found = await store.load(id)
        if (found === null) return false
        await breath()
        return await store.replace(id, await store.load(id) ?? '', found, expiresAt) === 'replaced'
      }
    }),
    caught: /crosses a replace/
  },
  'touch moves nothing': {
    mistake: (store) => ({ touch: async (id) => await store.load(id) !== null }),
    caught: /touch and replace move the deadline/
  },
  'deadlines in seconds': {
    mistake: (store) => ({ create: (id, payload, expiresAt, subject) => store.create(id, payload, Math.ceil(expiresAt / 1000 + 1) * 1000, subject) }),
    caught: /gone after it/
  },
  'no deadline at all': {
    mistake: (store) => ({ create: (id, payload, _expiresAt, subject) => store.create(id, payload, Infinity, subject) }),
    caught: /gone after it/
  },
  'a deadline in 32 bits': {
    mistake: (store) => ({ create: (id, payload, expiresAt, subject) => store.create(id, payload, Date.now() + ((expiresAt - Date.now()) | 0), subject) }),
    caught: /weeks or years/
  },
  'payloads are trimmed': {
    mistake: (store) => ({ create: (id, payload, ...rest) => store.create(id, payload.trim(), ...rest) }),
    caught: /both ends/
  },
  'payloads go through UTF-8': {
    mistake: (store) => ({ create: (id, payload, ...rest) => store.create(id, Buffer.from(payload).toString(), ...rest) }),
    caught: /lone high surrogate/
  },
  'payloads end at a NUL': {
    mistake: (store) => ({ create: (id, payload, ...rest) => store.create(id, payload.replace(/\0.*/, ''), ...rest) }),
    caught: /NUL/
  },
  'payloads are parsed and written again': {
    mistake: (store) => ({ create (id, payload, ...rest) { try { payload = JSON.stringify(JSON.parse(payload)) } catch {} return store.create(id, payload, ...rest) } }),
    caught: /rewritten/
  },
  'ids without case and trailing space, as a collation does': {
    mistake: (store) => ({
      create: (id, ...rest) => store.create(fold(id), ...rest),
      load: (id) => store.load(fold(id)),
      replace: (id, ...rest) => store.replace(fold(id), ...rest),
      touch: (id, ...rest) => store.touch(fold(id), ...rest),
      delete: (id) => store.delete(fold(id))
    }),
    caught: /hostile id is refused/
  },
  'ids cut at a length': {
    mistake: (store) => ({
      create: (id, ...rest) => store.create(id.slice(0, 255), ...rest),
      load: (id) => store.load(id.slice(0, 255))
    }),
    caught: /hostile id is refused/
  },
  'an id as a path': {
    mistake: (store) => ({ load: (id) => store.load(id.split('/').pop() ?? id) }),
    caught: /finds, moves and deletes nothing/
  },
  'an id as a pattern': {
    mistake: (store) => ({
      async delete (id) {
        for (const other of ['x', 'b', id]) if (id === '*' || id === other) await store.delete(other)
      }
    }),
    caught: /hostile id/
  },
  'an object as a query': {
    mistake: (store) => ({ load: (id) => typeof id === 'object' ? store.load('x') : store.load(id) }),
    caught: /no query/
  },
  'subjects without case': {
    mistake: (store) => ({
      create: (id, payload, expiresAt, subject) => store.create(id, payload, expiresAt, subject?.toLowerCase()),
      findBySubject: (subject) => store.findBySubject!(subject.toLowerCase())
    }),
    caught: /to the character/
  },
  'a subject that replace does not move': {
    mistake: (store) => ({ replace: (id, expected, payload, expiresAt) => store.replace(id, expected, payload, expiresAt, 'ann') }),
    caught: /follows replace/
  },
  'an index that believes a refused write': {
    mistake: (store) => {
      const entries = new Map<string, number>()
      return {
        create (id, payload, expiresAt, subject) { entries.set(id, expiresAt); return store.create(id, payload, expiresAt, subject) },
        async * findBySubject (subject) {
          for await (const record of store.findBySubject!(subject)) if (entries.get(record.id)! > Date.now()) yield record
        }
      }
    },
    caught: /a refused create leaves the record findable/
  },
  'an index that believes a refused replace, for a while': {
    mistake: (store) => {
      const entries = new Map<string, number>()
      return {
        async replace (id, expected, payload, expiresAt, subject) {
          // As long again as the record had to live.
          if (expiresAt > Date.now()) entries.set(id, 2 * expiresAt - Date.now())
          return store.replace(id, expected, payload, expiresAt, subject)
        },
        async * findBySubject (subject) {
          for await (const record of store.findBySubject!(subject)) if ((entries.get(record.id) ?? Infinity) > Date.now()) yield record
        }
      }
    },
    caught: /a refused replace leaves the record findable/
  },
  'replace never gives in': {
    mistake: () => ({ replace: () => 'conflict' }),
    caught: /ten counters/
  },
  'findBySubject reads everything there is': {
    mistake: (store) => {
      const all: string[] = []
      return {
        create (id, payload, expiresAt, subject) { all.push(id); return store.create(id, payload, expiresAt, subject) },
        async * findBySubject (subject) {
          for (let read = 0; read < all.length; read += 16) await new Promise((resolve) => setTimeout(resolve, 1))
          yield * store.findBySubject!(subject)
        }
      }
    },
    caught: /sooner than those can be read/
  },
  'delete answers before it is done': {
    mistake: (store) => ({ delete: (id) => { setImmediate(() => store.delete(id)) } }),
    caught: /has gone when delete has answered/
  },
  'findBySubject gives one page': {
    mistake: (store) => ({ async * findBySubject (subject) { let count = 0; for await (const record of store.findBySubject!(subject)) if (count++ < 1000) yield record } }),
    caught: /1100/
  },
  'findBySubject skips pages while they are deleted': {
    mistake: (store) => ({
      async * findBySubject (subject) {
        for (let offset = 0; ; offset += 100) {
          const all = []
          for await (const record of store.findBySubject!(subject)) all.push(record)
          if (all.length <= offset) return
          yield * all.slice(offset, offset + 100)
        }
      }
    }),
    caught: /1100/
  },
  'sweep counts nothing': {
    mistake: (store) => ({ async sweep () { await store.sweep!(); return 0 } }),
    caught: /sweep removes/
  },
  'sweep does nothing': { mistake: () => ({ sweep: async () => 0 }), caught: /sweep removes/ },
  'sweep removes all at once': {
    mistake: (store) => {
      const { create, ids } = over(store, 0)
      // The memory store deletes at once.
      return { create, sweep: async () => ids().map((id) => store.delete(id)).length }
    },
    caught: /in bounded batches/
  },
  'sweep removes what has been created anew since it looked': {
    mistake: (store) => {
      const { create, ids } = over(store, 0)
      return {
        create,
        async sweep () {
          const found = ids()
          await breath()
          for (const id of found) await store.delete(id)
          return found.length
        }
      }
    },
    caught: /created meanwhile/
  },
  'sweep removes what has a second to live': {
    mistake: (store) => {
      const { create, ids } = over(store, 1000)
      return { create, sweep: async () => ids().map((id) => store.delete(id)).length }
    },
    caught: /sweep removes what is past its deadline/
  },
  'sweep holds up all others for long': {
    mistake: (store) => {
      let sweeping: Promise<unknown> = Promise.resolve()
      return {
        sweep () {
          const sweep = store.sweep!().then(async (removed) => {
            if (removed > 1000) await new Promise((resolve) => setTimeout(resolve, 2100))
            return removed
          })
          sweeping = sweep
          return sweep
        },
        async load (id) { await sweeping; return store.load(id) },
        async touch (id, expiresAt) { await sweeping; return store.touch(id, expiresAt) }
      }
    },
    caught: /in bounded batches/
  },
  'sweep stands still for long': {
    mistake: (store) => ({
      async sweep () {
        const removed = await store.sweep!()
        if (removed > 1000) mock.timers.tick(2100)
        return removed
      }
    }),
    caught: /in bounded batches/
  },
  'sweep removes one batch and leaves the rest': {
    mistake: (store) => {
      const dead = new Set<string>()
      return {
        create (id, payload, expiresAt, subject) { if (expiresAt < Date.now() + 10_000) dead.add(id); return store.create(id, payload, expiresAt, subject) },
        async sweep () {
          const batch = [...dead].slice(0, 1000)
          for (const id of batch) { dead.delete(id); await store.delete(id) }
          return batch.length
        }
      }
    },
    caught: /in bounded batches/
  },
  'only one may sweep at a time': {
    mistake: (store) => {
      let sweeping = false
      return {
        async sweep () {
          if (sweeping) throw new Error('a sweep is under way')
          sweeping = true
          return await store.sweep!().finally(() => { sweeping = false })
        }
      }
    },
    caught: /parallel sweeps/
  },
  'a deadline of NaN is kept for ever': {
    mistake: (store) => ({ create: (id, payload, expiresAt, subject) => store.create(id, payload, Number.isNaN(expiresAt) ? Date.now() + 1e9 : expiresAt, subject) }),
    caught: /a deadline of NaN/
  },
  'a deadline of Infinity is taken': {
    mistake: (store) => ({ touch: (id, expiresAt) => store.touch(id, Math.min(expiresAt, 8.64e15)) }),
    caught: /a deadline of Infinity/
  },
  'a deadline of 0 is none': {
    mistake: (store) => ({ touch: (id, expiresAt) => store.touch(id, expiresAt === 0 ? Date.now() + 1e9 : expiresAt) }),
    caught: /at or before the epoch/
  },
  'a member that is not there': {
    mistake: () => ({ sweep: undefined as never }),
    caught: /has and promises everything/
  },
  'a promise it does not make': {
    mistake: () => ({ atomic: false }),
    caught: /has and promises everything/
  },
  'a promise, from a store that answers at once': {
    mistake: (store) => ({ immediate: true, load: async (id) => await store.load(id) }),
    caught: /answers each call at once/
  },
  'a second close that throws': {
    mistake: () => {
      let closed = false
      return { async close () { if (closed) throw new Error('closed'); closed = true } }
    },
    caught: /closing a store twice/
  }
}

for (const [name, { mistake, caught }] of Object.entries(mistakes)) {
  t.test(`a store with a mistake fails: ${name}`, async (t) => {
    t.not((await failures(worse(mistake), {}, caught)).length, 0)
  })
}

t.test('what a store declares to be without is not tested, and must really be missing', async (t) => {
  const weak = worse((store) => ({
    findBySubject: undefined as never,
    sweep: undefined as never,
    atomic: false,
    async create (id, ...rest) {
      if (await store.load(id) !== null) return false
      await breath()
      await store.delete(id)
      return store.create(id, ...rest)
    }
  }))
  const without = ['findBySubject', 'sweep', 'atomic'] as const
  t.same(await failures(weak, { without }), [])
  t.match(await failures(worse(() => ({})), { without }), [/has and promises everything/])
})

t.test('a store that says `immediate`, and is, fails nothing', async (t) => {
  t.same(await failures(memoryStore), [])
})

t.test('open may be asynchronous and give a way to undo itself, which is called once per test', async (t) => {
  let [opened, closed] = [0, 0]
  t.strictSame(await failures(async () => {
    opened++
    return { store: memoryStore(), close: async () => { closed++ } }
  }), [])
  t.ok(opened > 50)
  t.equal(closed, opened)
})

t.test('a coarse engine passes with its granularity, and not without', async (t) => {
  const seconds = (ms: number) => Math.ceil(ms / 1000) * 1000
  const coarse = worse((store) => ({
    create: (id, payload, expiresAt, subject) => store.create(id, payload, seconds(expiresAt), subject),
    replace: (id, expected, payload, expiresAt, subject) => store.replace(id, expected, payload, seconds(expiresAt), subject),
    touch: (id, expiresAt) => store.touch(id, seconds(expiresAt))
  }))
  t.same(await failures(coarse, { granularity: 1000 }), [])
  t.not((await failures(coarse)).length, 0)
})
