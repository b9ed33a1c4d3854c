import t from 'tap'
import { SECRET } from '../../support/app.js'
import { readText, tablesOf } from '../../support/documents.js'
import { guides, writeGuide } from '../../support/guide.js'
import { OLD_KEY_BASE64 } from '../../support/old-applications.js'
import { startProgram } from '../../support/program.js'
import { redisMissing, startRedis } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'

const SETTINGS = { NODE_ENV: 'development', OLD_SECRET: OLD_KEY_BASE64, ADOPT_UNTIL: new Date(Date.now() + 86_400_000).toISOString(), SESSION_SECRET: SECRET, ADMIN_SECRET: 'pZk3vW0y7sQ9rT2uXb5nMd8fHj1LgCaEoRiVxKqYt4w' }

t.test('docs/README.md leads to each', async (t) => {
  const linked = tablesOf('docs/README.md').flatMap(({ rows }) => rows).flatMap(([cell = '']) => /\]\(guides\/(.*)\.md\)/.exec(cell)?.[1] ?? [])
  t.ok(guides.length > 5)
  t.strictSame(linked.sort(), [...guides].sort())
})

for (const name of guides) {
  t.test(`the program of ${name} starts as it stands and answers`, async (t) => {
    const settings: Record<string, string> = { ...SETTINGS }
    if (readText(`docs/guides/${name}.md`).includes('OLD_REDIS_URL')) {
      const missing = redisMissing()
      if (missing !== undefined) return skipOrFail(t, missing)
      const redis = await startRedis()
      t.teardown(() => redis.stop())
      settings.OLD_REDIS_URL = `redis://127.0.0.1:${redis.port}`
    }
    const file = writeGuide(t, name, 'console.log(await $1.listen({ port: 0, host: "127.0.0.1" }))\n')
    const address = await startProgram(t, [process.execPath, file], settings)
    t.equal((await fetch(`${address}/nothing-here`)).status, 404)
  })
}
