/**
 * What is asked of a subject.
 *
 * @typedef {object} Case
 * @property {string} id
 * @property {string} title
 * @property {'untouched' | 'read' | 'write' | 'new'} route
 * @property {'none' | 'warm' | 'cold'} sessions none: no cookie; warm: one session per connection; cold: COLD_SESSIONS in turn
 */

export const COLD_SESSIONS = 10_000

/** @type {readonly Case[]} */
export const cases = Object.freeze([
  { id: 'A', title: 'no cookie, session never read', route: 'untouched', sessions: 'none' },
  { id: 'U', title: 'cookie sent, session never read', route: 'untouched', sessions: 'warm' },
  { id: 'R', title: 'session read', route: 'read', sessions: 'warm' },
  { id: 'W', title: 'session changed', route: 'write', sessions: 'warm' },
  { id: 'U-cold', title: `U over ${COLD_SESSIONS} sessions in turn`, route: 'untouched', sessions: 'cold' },
  { id: 'R-cold', title: `R over ${COLD_SESSIONS} sessions in turn`, route: 'read', sessions: 'cold' },
  { id: 'W-cold', title: `W over ${COLD_SESSIONS} sessions in turn`, route: 'write', sessions: 'cold' },
  // Last, because a memory store keeps what it is given.
  { id: 'N', title: 'new visitor writes', route: 'new', sessions: 'none' }
])

/** @param {readonly string[] | undefined} ids @returns {Case[]} */
export function chooseCases (ids) {
  const unknown = ids?.find((id) => !cases.some((c) => c.id === id))
  if (unknown !== undefined) throw new Error(`no case ${unknown}; there are ${cases.map((c) => c.id).join(', ')}`)
  return cases.filter((c) => ids === undefined || ids.includes(c.id))
}
