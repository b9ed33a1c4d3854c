import type { Test } from 'tap'
import { type AppProcess, type ProcessAnswer, startApp } from './app-process.js'
import type { StoreRow } from './engines.js'

interface Pair {
  /** The first is `apps[0]`; the requests of a race are dealt out to both. */
  readonly apps: readonly [AppProcess, AppProcess]
  begin (owner: string): Promise<string>
}

const times = <T>(count: number, work: (index: number) => Promise<T>) => Promise.all(Array.from({ length: count }, (_, index) => work(index)))
const statuses = (answers: readonly ProcessAnswer[]) => [...new Set(answers.map(({ status, code }) => `${status} ${code ?? ''}`.trim()))]
const of = ({ apps }: Pair, index: number) => apps[index % 2] as AppProcess

async function counts (t: Test, pair: Pair) {
  const token = await pair.begin('counter')
  const answers = await times(50, async (index) => await of(pair, index).send('/add', token))
  t.strictSame(statuses(answers), ['200'])
  for (const app of pair.apps) t.equal((await app.send('/read', token)).data.count, 50)
}

async function differentKeys (t: Test, pair: Pair) {
  const token = await pair.begin('writers')
  const answers = await times(20, async (index) => await of(pair, index).send(`/set/k${index}?value=v${index}`, token))
  t.strictSame(statuses(answers), ['200'])
  const expected = Object.fromEntries(answers.map((_, index) => [`k${index}`, `v${index}`]))
  for (const app of pair.apps) t.strictSame((await app.send('/read', token)).data, { owner: 'writers', count: 0, ...expected })
}

async function destroying (t: Test, pair: Pair) {
  for (let round = 0; round < 10; round++) {
    const token = await pair.begin('destroyed')
    const [, ...writers] = await times(9, async (index) =>
      await of(pair, index + round).send(index === 0 ? '/destroy' : index % 2 === 1 ? `/set/k${index}?value=late` : '/add', token))
    const resurrected = await Promise.all(pair.apps.map(async (app) => (await app.send('/read', token)).owner))
    t.strictSame(resurrected, ['', ''], `round ${round}`)
    const odd = writers.filter(({ status, code }) => status !== 200 && !(status === 409 && code === 'FST_TYPED_SESSION_ENDED'))
    t.strictSame(odd, [], 'answered, or refused as ended')
    t.strictSame(writers.filter(({ owner, token }) => owner !== '' && token !== null), [], 'no cookie for what has ended')
  }
}

async function rotating (t: Test, pair: Pair) {
  for (let round = 0; round < 10; round++) {
    const token = await pair.begin('rotated')
    const [login, ...writers] = await times(9, async (index) =>
      await of(pair, index + round).send(index === 0 ? '/login?value=ann' : `/set/k${index}?value=w${index}`, token)) as [ProcessAnswer, ...ProcessAnswer[]]
    t.equal(login.status, 200)
    const served = writers.filter(({ owner, status }) => owner === 'rotated' && status === 200)
    const older = writers.filter(({ status, code }) => status === 409 && code === 'FST_TYPED_SESSION_MOVED')
    t.equal(served.length + older.length, writers.length, 'each was kept, or refused because it is older than the login or came with the old token')
    t.strictSame(writers.filter(({ token }) => token !== null), [], 'one new id')
    const expected = Object.fromEntries(writers.flatMap((answer, index) => served.includes(answer) ? [[`k${index + 1}`, `w${index + 1}`]] : []))
    for (const app of pair.apps) {
      t.strictSame((await app.send('/read', login.token)).data, { owner: 'rotated', userId: 'ann', count: 0, ...expected })
      t.equal((await app.send('/read', token)).owner, '', 'the old token is dead')
    }
  }
}

async function twoRotations (t: Test, pair: Pair) {
  for (let round = 0; round < 10; round++) {
    const token = await pair.begin('twice')
    const answers = await times(4, async (index) => await of(pair, index).send('/rotate', token))
    const winners = answers.filter(({ status, token }) => status === 200 && token !== null)
    const alive = await Promise.all(winners.map(async ({ token }) => (await pair.apps[0].send('/read', token)).owner))
    t.strictSame(alive.filter((owner) => owner !== ''), ['twice'], `round ${round}: one survivor`)
    t.equal((await pair.apps[1].send('/read', token)).owner, '', 'the old token is dead')
  }
}

/** Every visitor's data is its own on every answer, whoever else is served beside it. */
async function strangers (t: Test, pair: Pair) {
  const foreign = await times(12, async (visitor) => {
    const owner = `owner-${visitor}`
    let token = await pair.begin(owner)
    const seen: string[] = []
    for (let round = 0; round < 8; round++) {
      const path = round === 4 ? '/rotate' : round % 2 === 0 ? '/add' : `/set/k${round}?value=${owner}`
      const answer = await of(pair, visitor + round).send(path, token)
      token = answer.token ?? token
      seen.push(`${answer.status} ${answer.owner}`)
    }
    const { data } = await of(pair, visitor).send('/read', token)
    t.strictSame(data, { owner, count: 3, k1: owner, k3: owner, k5: owner, k7: owner })
    return seen.filter((served) => served !== `200 ${owner}`)
  })
  t.strictSame(foreign.flat(), [])
}

const programs: Record<string, (t: Test, pair: Pair) => Promise<unknown>> = {
  '50 parallel update() all count (P1.2)': counts,
  '20 parallel writers of different keys lose nothing (R-1, R-2)': differentKeys,
  'destroy beside writes: what has ended stays ended (R-3, K-9)': destroying,
  'a login beside writes: one survivor with all that was kept (R-4, R-5)': rotating,
  'four rotations at once: one survivor (R-5)': twoRotations,
  'nobody is ever served another\'s session': strangers
}

/** two real applications in two processes share the store. */
export async function raceProcesses (t: Test, row: StoreRow): Promise<void> {
  const apps = await Promise.all([startApp(t, row.address), startApp(t, row.address)])
  async function begin (owner: string) {
    const { token } = await apps[0].send(`/begin?value=${owner}`)
    return token as string
  }
  for (const [name, program] of Object.entries(programs)) await t.test(name, async t => { await program(t, { apps, begin }) })
}
