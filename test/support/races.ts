import fc from 'fast-check'
import type { SessionStore } from '../../types/index.js'
import { Gate, type Scheduler } from './gate.js'
import { type Operation, operations, type RaceApp, raceApp, type RaceSettings } from './race-app.js'
import { type History, rules } from './race-rules.js'
import { Chosen } from './schedule.js'

export const everyOperation = Object.keys(operations) as Operation[]
/** The ids change with time as well, and it is time. */
export const PERIODIC: RaceSettings = { rotateEvery: 60, rotationGrace: 10 }

/** A place to race on: one application over one store. Close it. */
export interface RaceTrack {
  /** Runs the program on a session of its own; the history is checked. Throws what is wrong. */
  run (program: readonly Operation[], scheduler: Scheduler): Promise<History>
  close (): Promise<void>
}

/** `tick`: moves the clock on, in milliseconds. */
export function raceTrack (open: () => SessionStore, tick: (ms: number) => void, settings: RaceSettings = {}): RaceTrack {
  const gate = new Gate(open())
  const app = raceApp(gate, { touchAfter: 30, ...settings })
  let runs = 0
  return {
    close: async () => await app.close(),
    async run (program, scheduler) {
      const run = runs++
      gate.forget()
      const token = (await app.send('begin', null)).cookie as string
      gate.changes.length = 0
      tick(61_000)
      const values = program.map((operation, i) => `${operation}-${run}-${i}`)
      const answers = await gate.race(program.map((operation, i) => async () => await app.send(operation, token, values[i])), scheduler)
      const order = gate.order.join(', ')
      const history = await lookAround(gate, app, { program, values, answers, periodic: settings.rotateEvery !== undefined }, token)
      const broken = Object.entries(rules).flatMap(([rule, check]) => {
        const wrong = check(history)
        return wrong === false ? [] : [`${rule}: ${wrong}`]
      })
      if (broken.length > 0) throw new Error(`${program.join(' ∥ ')}, in the order ${order}\n${broken.join('\n')}\n${JSON.stringify(history, null, 1)}`)
      return history
    }
  }
}

async function lookAround (gate: Gate, app: RaceApp, facts: Pick<History, 'program' | 'values' | 'answers' | 'periodic'>, token: string): Promise<History> {
  const lost = app.lost.splice(0)
  const anew = new Set(gate.changes.filter(({ request, kind }) => kind === 'create' && facts.answers[request]?.isNew).map(({ id }) => id))
  const changes = gate.changes.filter(({ id }) => !anew.has(id))
  const sessions = (await gate.sessions()).filter(({ id }) => !anew.has(id))
  const tokens = [...new Set(facts.answers.flatMap(({ cookie, isNew }) => isNew ? [] : cookie || []))]
  const newReads = []
  for (const fresh of tokens) newReads.push(await app.send('read', fresh))
  const oldReads = await app.send('read', token)
  const oldWrites = await app.send('writeA', token, 'after')
  return { ...facts, lost, changes, sessions, newReads, oldReads, oldWrites }
}

/** Draws races of `length` requests and checks each one. A failure prints its seed, the race and its schedule. */
export async function randomRaces (track: RaceTrack, { length, numRuns, seed }: { length: number, numRuns: number, seed: number }): Promise<void> {
  const program = fc.array(fc.constantFrom(...everyOperation), { minLength: length, maxLength: length })
  await fc.assert(fc.asyncProperty(program, fc.scheduler(), async (operations, scheduler) => { await track.run(operations, scheduler) }), { numRuns, seed })
}

/** Runs the program in every interleaving there is, at most `limit`; resolves to how many that were. */
export async function everyRace (track: RaceTrack, program: readonly Operation[], limit = Infinity): Promise<number> {
  let prefix: number[] | null = []
  let count = 0
  while (prefix !== null && count < limit) {
    const taken: Array<{ choice: number, waiting: number }> = []
    const planned: number[] = prefix
    await track.run(program, new Chosen((waiting) => {
      const choice = planned[taken.length] ?? 0
      taken.push({ choice, waiting })
      return choice
    }))
    count++
    prefix = following(taken)
  }
  return count
}

/** The next list of choices in order, like counting on; `null` after the last one. */
function following (taken: ReadonlyArray<{ choice: number, waiting: number }>): number[] | null {
  const at = taken.findLastIndex(({ choice, waiting }) => choice + 1 < waiting)
  return at === -1 ? null : [...taken.slice(0, at).map(({ choice }) => choice), taken[at]!.choice + 1]
}
