import { bareSeconds } from './measure.mjs'
import { answers } from './subjects/index.mjs'

// Seconds, so that the run of 2026-11-21 comes out at the twenty minutes it took: starting and ending a process, opening the
// sessions of the cold cases, ending a load.
const START = 0.6
const OPEN_COLD_SESSIONS = 1.8
const END_OF_LOAD = 0.03

/** About how many minutes a run takes, if nothing else runs and no subject is very slow. @param {ReturnType<typeof import('./options.mjs').parseOptions>} options */
export function reckonMinutes ({ rounds, seconds, warmUp, cases, subjects, ways }) {
  const bare = ways.length * (bareSeconds(seconds) + END_OF_LOAD)
  const oneCase = warmUp.again + END_OF_LOAD + ways.length * (seconds + END_OF_LOAD) + bare
  let total = subjects.length * START
  for (const subject of subjects) {
    const answered = cases.filter(({ id }) => answers(subject, id))
    const opening = !subject.stateless && answered.some((c) => c.sessions === 'cold') ? OPEN_COLD_SESSIONS : 0
    total += rounds * (START + opening + bare + warmUp.first - warmUp.again + answered.length * oneCase)
  }
  return total / 60
}
