import { randomBytes } from 'node:crypto'
import t from 'tap'
import { keyrings, kindNames } from '../../support/tokens.js'

const EACH = 300
const ROUNDS = 7

/** The fewest microseconds of CPU time that one call took, in several rounds: others on the machine cost none. */
function costs (works: Readonly<Record<string, () => unknown>>): Record<string, number> {
  const least: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(works)) {
      const start = process.cpuUsage()
      for (let i = 0; i < EACH; i++) work()
      const { user, system } = process.cpuUsage(start)
      least[name] = Math.min(least[name] ?? Infinity, (user + system) / EACH)
    }
  }
  return least
}

for (const kind of kindNames) {
  t.test(`R-26: refusing a ${kind} token costs 50 µs at most, and not much more than making one`, async (t) => {
    const tokens = keyrings([randomBytes(32)], { application: '', session: 'session', cookie: '__Host-Http-session' })[kind]
    // As long as a cookie may be, where that is possible.
    const body = randomBytes(kind === 'sealed' ? 2_900 : 38)
    const token = tokens.write(body)
    const forged = `${token.slice(0, -4)}AAAA`
    const shapes = ['', 'x', `9${token.slice(1)}`, `${token[0]}AAAAAA${token.slice(7)}`, token.slice(0, 20)]
    for (const wrong of [forged, ...shapes]) t.equal(tokens.read(wrong), null)
    const { making, forgery = Infinity, ...cheap } = costs({
      making: () => tokens.write(body),
      forgery: () => tokens.read(forged),
      ...Object.fromEntries(shapes.map((wrong, index) => [`shape ${index}`, () => tokens.read(wrong)]))
    })
    t.ok(forgery <= 50, `a forgery: ${forgery} µs`)
    t.ok(forgery <= 10 * making!, `a forgery: ${forgery / making!} times making one`)
    for (const [shape, cost] of Object.entries(cheap)) t.ok(cost <= making!, `${shape}: ${cost} µs`)
  })
}
