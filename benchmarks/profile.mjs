import { chooseCases } from './src/cases.mjs'
import { profile } from './src/profile.mjs'
import { startRedis } from './src/redis.mjs'
import { chooseSubjects } from './src/subjects/index.mjs'

// `npm run bench:profile -- ours-cookie W` prints where the server's time goes, function by function.
const [id = 'ours-cookie', caseId = 'R'] = process.argv.slice(2)
const SHOWN = 30
const [subject] = chooseSubjects([id])
const [wanted] = chooseCases([caseId])
if (subject === undefined || wanted === undefined) throw new Error('npm run bench:profile -- <subject> <case>')

const redis = subject.backend === 'redis' ? await startRedis() : { unavailable: 'not needed' }
const { perSecond, functions } = await profile(subject, wanted, { warmUp: 3, seconds: 5, redisUrl: 'url' in redis ? redis.url : undefined })
console.log(`${subject.title}, ${wanted.id}: ${Math.round(perSecond)} requests per second under the profiler; share of samples in the function itself (wall time: on a busy machine system calls look bigger)\n`)
for (const { where, share } of functions.slice(0, SHOWN)) console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${where}`)
if ('stop' in redis) await redis.stop()
process.exit()
