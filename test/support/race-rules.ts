import type { Change } from './gate.js'
import { type Answer, initial, type Operation } from './race-app.js'

/** All that a race left behind. */
export interface History {
  readonly program: readonly Operation[]
  /** What request `i` wrote: found nowhere else. */
  readonly values: readonly string[]
  readonly answers: readonly Answer[]
  /** Of this session only, like `sessions`. */
  readonly changes: readonly Change[]
  /** What became of the session; what requests began anew after its end is not among it. */
  readonly sessions: ReadonlyArray<{ id: string, data: Record<string, unknown> }>
  /** What the token from before the race reads afterwards, what saving with it answers, and what each new token reads. */
  readonly oldReads: Answer
  readonly oldWrites: Answer
  readonly newReads: readonly Answer[]
  /** The keys that somebody changed and that were reported lost. */
  readonly lost: readonly string[]
  /** The ids also change with time, and old tokens have a grace. */
  readonly periodic: boolean
}

type Rule = (history: History) => string | false
const END_MARK = '{"ended":true}'
const WRITES: ReadonlySet<Operation> = new Set(['writeA', 'writeB', 'deleteA', 'pushList', 'pushNotes', 'saveAThenB'])
const CONFLICTS = new Set(['FST_TYPED_SESSION_MOVED', 'FST_TYPED_SESSION_CONFLICT', 'FST_TYPED_SESSION_ENDED'])

const wrote = { a: ['writeA', 'saveAThenB'], b: ['writeB', 'saveAThenB'], list: ['pushList'], notes: ['pushNotes'], userId: ['login'] } as const

/** The requests of these kinds that were served the session of the race, and not refused. */
function done (history: History, ...operations: readonly Operation[]): number[] {
  return [...history.program.keys()].filter((i) => {
    const { status, isNew } = history.answers[i]!
    return operations.includes(history.program[i]!) && status === 200 && !isNew
  })
}
const valuesOf = (history: History, operations: readonly Operation[]) => done(history, ...operations).map((i) => history.values[i]!)
/** `save()` may have saved before the request was refused. */
const maybeWritten = (history: History) => history.values.filter((_, i) => history.program[i] === 'saveAThenB')
const ended = (history: History) => done(history, 'destroy').some((i) => history.answers[i]!.cookie === '')
const tombstones = (history: History) => history.changes.filter(({ kind, payload }) => kind === 'replace' && payload.includes('"movedTo"'))
const finals = (history: History) => tombstones(history).filter(({ payload }) => payload.includes('"final":true'))

/** What must hold after any race. Each rule answers what is wrong, or `false`. */
export const rules: Record<string, Rule> = {
  'a request is answered, or refused with a conflict code' ({ answers }) {
    const odd = answers.find(({ status, code }) => status !== 200 && !(status === 409 && CONFLICTS.has(code ?? '')))
    return odd !== undefined && `${odd.status} ${odd.code}`
  },
  'who only writes is refused nothing, unless the session was not served, has ended, or got another id for a reason other than time (R-4)': (history) =>
    !ended(history) && finals(history).length === 0 && history.program.some((operation, i) => WRITES.has(operation) && history.answers[i]!.status !== 200 && !history.answers[i]!.isNew) && 'it is',
  'nothing is reported lost, but of a request that was refused': ({ lost, answers }) =>
    lost.length > 0 && answers.every(({ status }) => status === 200) && lost.join(),
  'an ended session is gone, whatever else was going on (R-3, K-9)': (history) =>
    ended(history) && history.sessions.length > 0 && `${history.sessions.length} left`,
  'what is refused as ended has been ended': (history) =>
    !ended(history) && history.answers.some(({ code }) => code === 'FST_TYPED_SESSION_ENDED') && 'it lives',
  'a session that nobody ended is there exactly once (R-5)': (history) =>
    !ended(history) && history.sessions.length !== 1 && `${history.sessions.length} records`,
  'nobody who comes after the end writes, or gets a cookie for what has ended (R-3)' ({ changes, answers, program }) {
    const end = changes.findIndex(({ payload }) => payload === END_MARK)
    if (end === -1) return false
    if (changes.some(({ kind, payload }, at) => at > end && kind === 'replace' && payload !== END_MARK)) return 'a write'
    const late = answers.findIndex(({ cookie, isNew }, i) => cookie !== null && !isNew && program[i] !== 'destroy' &&
      !changes.some(({ request, kind }, at) => at < end && request === i && kind === 'replace'))
    return late !== -1 && `a cookie for ${program[late]}`
  },
  'a key holds what an answered request wrote, or what it was (R-1, R-2)' (history) {
    const [session] = history.sessions
    if (session === undefined) return false
    for (const key of ['a', 'b', 'userId'] as const) {
      const written: unknown[] = valuesOf(history, wrote[key])
      const deleted = key === 'a' && done(history, 'deleteA').length > 0
      const allowed = written.length > 0 || deleted ? [...written, ...deleted ? [undefined] : []] : [(initial as Record<string, unknown>)[key]]
      if (key === 'a') allowed.push(...maybeWritten(history))
      if (!allowed.includes(session.data[key])) return `${key} is ${String(session.data[key])}, not one of ${allowed.join()}`
    }
    return false
  },
  'every push is there once where a resolver merges (R-2)' ({ sessions: [session], ...history }) {
    const expected = ['l0', ...valuesOf({ ...history, sessions: [] }, wrote.list)].sort().join()
    return session !== undefined && [...session.data.list as string[]].sort().join() !== expected && `${String(session.data.list)}, not ${expected}`
  },
  'where nothing merges the last push wins, upon what it had seen (R-2)' (history) {
    const [session] = history.sessions
    if (session === undefined) return false
    const [first, ...rest] = session.data.notes as string[]
    const pushed = valuesOf(history, wrote.notes)
    const good = first === 'n0' && new Set(rest).size === rest.length && rest.every((note) => pushed.includes(note)) && (pushed.length === 0) === (rest.length === 0)
    return !good && `${String(session.data.notes)} of ${pushed.join()}`
  },
  'the counter counts each answered request once (P1.2)' (history) {
    const [session] = history.sessions
    return session !== undefined && session.data.count !== done(history, 'add').length && `${String(session.data.count)}, not ${done(history, 'add').length}`
  },
  'no request with the old token sees who has logged in meanwhile': ({ answers }) =>
    answers.some(({ users }) => users.some((user) => user !== undefined)) && 'it does',
  'after a change of privilege the old token reads nothing and saves nothing (R-4)' (history) {
    if (finals(history).length === 0 || ended(history)) return false
    if (!history.oldReads.isNew) return 'it reads'
    return (history.oldWrites.code !== 'FST_TYPED_SESSION_MOVED' && `saving answers ${history.oldWrites.status}`)
  },
  'the old token is never issued again once the session has moved (R-6)': (history) =>
    tombstones(history).length > 0 && history.oldReads.cookie !== null && 'it is',
  'an ended session is read by no token (R-3)': (history) =>
    ended(history) && [history.oldReads, ...history.newReads].some(({ isNew }) => !isNew) && 'it is',
  'somebody holds a token that reads the session': (history) =>
    !ended(history) && [...tombstones(history).length > 0 ? [] : [history.oldReads], ...history.newReads].every(({ isNew }) => isNew) && 'nobody',
  'at most one id is issued for each rotation (R-5)': (history) =>
    !history.periodic && new Set(finals(history).map(({ id }) => id)).size > 1 && 'more'
}
