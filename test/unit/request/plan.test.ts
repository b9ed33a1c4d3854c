import t from 'tap'
import { type Action, decide, type Facts } from '../../../lib/request/plan.js'

const names = ['ended', 'stored', 'changed', 'rotate', 'touchDue', 'stale', 'failed', 'deferred'] as const
type Name = typeof names[number]

const facts = (...set: Name[]): Facts => Object.fromEntries(names.map((name) => [name, set.includes(name)])) as unknown as Facts

const cases: Array<[what: string, set: Name[], action: Action]> = [
  ['a new session that nobody wrote to costs nothing (I14)', [], 'nothing'],
  ['a new session is kept at its first write', ['changed'], 'create'],
  ['a new session is kept although the response is public', ['changed', 'deferred'], 'create'],
  ['a new session of a failed request is not kept', ['changed', 'failed'], 'nothing'],
  ['a new session has no id that could move', ['rotate'], 'nothing'],
  ['a new session has no deadline to move', ['touchDue'], 'nothing'],
  ['a session that was only read costs nothing', ['stored'], 'nothing'],
  ['a changed session is replaced', ['stored', 'changed'], 'replace'],
  ['a changed session of a failed request stays as it was found', ['stored', 'changed', 'failed'], 'nothing'],
  ['a changed session is replaced although the response is public', ['stored', 'changed', 'deferred'], 'replace'],
  ['to replace is to touch', ['stored', 'changed', 'touchDue', 'stale'], 'replace'],
  ['the idle deadline moves when it is time', ['stored', 'touchDue'], 'touch'],
  ['the token is made anew with the newest secret', ['stored', 'stale'], 'touch'],
  ['a failed request is no activity', ['stored', 'touchDue', 'failed'], 'nothing'],
  ['a public response gets no cookie for the time alone', ['stored', 'touchDue', 'deferred'], 'nothing'],
  ['a public response gets no cookie for a newer secret alone', ['stored', 'stale', 'deferred'], 'nothing'],
  ['to move is to replace', ['stored', 'rotate', 'changed'], 'rotate'],
  ['to move is to touch', ['stored', 'rotate', 'touchDue', 'stale'], 'rotate'],
  ['a failed request still rotates', ['stored', 'rotate', 'failed'], 'rotate'],
  ['a public response does not stop a rotation', ['stored', 'rotate', 'deferred'], 'rotate'],
  ['an ended session is deleted', ['ended'], 'end'],
  ['an ended session is deleted before a new one is kept', ['ended', 'changed'], 'end'],
  ['a failed request still ends a session (I18)', ['ended', 'failed'], 'end'],
  ['a public response does not stop the end', ['ended', 'deferred'], 'end'],
  ['nothing comes before the end (I4)', ['ended', 'stored', 'changed', 'rotate', 'touchDue', 'stale'], 'end']
]
for (const [what, set, action] of cases) {
  t.test(what, async (t) => t.equal(decide(facts(...set)), action))
}

// The same policy as conditions that an action needs, the strongest first: the first that is met is the one.
const conditions: Array<[Action, (facts: Facts) => boolean]> = [
  ['end', ({ ended }) => ended],
  ['create', ({ stored, changed, failed }) => !stored && changed && !failed],
  ['rotate', ({ stored, rotate }) => stored && rotate],
  ['replace', ({ stored, changed, failed }) => stored && changed && !failed],
  ['touch', ({ stored, touchDue, stale, failed, deferred }) => stored && (touchDue || stale) && !(failed || deferred)],
  ['nothing', () => true]
]

t.test('every combination of facts has the one action whose conditions it meets', async (t) => {
  const seen = new Set<Action>()
  for (let bits = 0; bits < 2 ** names.length; bits++) {
    const combination = facts(...names.filter((_, bit) => bits & 1 << bit))
    const expected = conditions.find(([, holds]) => holds(combination))![0]
    if (decide(combination) !== expected) t.equal(decide(combination), expected, JSON.stringify(combination))
    seen.add(expected)
  }
  t.equal(seen.size, 6, 'each action was among them')
})
