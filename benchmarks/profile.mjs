import { COLD_SESSIONS, chooseCases } from './src/cases.mjs'
import { CONNECTIONS, load } from './src/load.mjs'
import { openSessions } from './src/http.mjs'
import { run } from './src/process.mjs'
import { startRedis } from './src/redis.mjs'
import { chooseSubjects, measuredCheckout } from './src/subjects/index.mjs'

// `npm run bench:profile -- ours-cookie W` prints where the server's time goes, beside what the same case costs bare Fastify.
const [id = 'ours-cookie', caseId = 'R'] = process.argv.slice(2)
const SHOWN = 30
const [subject] = chooseSubjects([id])
const [wanted] = chooseCases([caseId])
if (subject === undefined || wanted === undefined) throw new Error('npm run bench:profile -- <subject> <case>')

const redis = subject.backend === 'redis' ? await startRedis() : { unavailable: 'not needed' }
const server = await run(subject.id, { root: measuredCheckout, redisUrl: 'url' in redis ? redis.url : undefined })
const counts = { none: 0, warm: CONNECTIONS, cold: COLD_SESSIONS }
const cookies = await openSessions(server.url, counts[wanted.sessions])
const url = `${server.url}/${wanted.route}`
await load(url, cookies, 3)
await server.ask('startProfile')
const { perSecond } = await load(url, cookies, 5)
const { functions } = await server.ask('stopProfile')

console.log(`${subject.title}, ${wanted.id}: ${Math.round(perSecond)} requests per second under the profiler; share of samples in the function itself (wall time: on a busy machine system calls look bigger)\n`)
for (const { where, share } of functions.slice(0, SHOWN)) console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${where}`)
await server.end()
if ('stop' in redis) await redis.stop()
process.exit()
