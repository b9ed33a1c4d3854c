import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { firstProgram } from './block-program.js'
import { startProgram } from './program.js'
import { javaScriptOf } from './transpile.js'

/** The README's first program at a free port, in a folder that has its packages, with a secret made as the README says. Ends with the test. */
export async function startFirstProgram (t: Pick<Test, 'teardown'>, folder: string): Promise<string> {
  const code = firstProgram.code.replace('await app.listen({ port: 3000 })', 'console.log(await app.listen({ port: 0 }))')
  const strips = 'typescript' in process.features && process.features.typescript !== false
  const file = join(folder, strips ? 'app.mts' : 'app.mjs')
  writeFileSync(file, strips ? code : javaScriptOf(code))

  const SESSION_SECRET = execFileSync(process.execPath, [join(folder, 'node_modules/fastify-typed-session/dist/lib/cli.js'), 'keygen'], { encoding: 'utf8' }).trim()
  return await startProgram(t, [process.execPath, file], { SESSION_SECRET })
}

/** Does it keep a cart for each visitor? */
export async function growCart (t: Test, address: string): Promise<void> {
  const first = await fetch(`${address}/cart/tea`, { method: 'POST' })
  t.strictSame(await first.json(), [{ sku: 'tea', qty: 1 }])
  const cookie = first.headers.getSetCookie().join().split(';', 1).join()
  t.match(cookie, /^__Host-Http-session=/, 'the name that the table of cookie options gives')

  const second = await fetch(`${address}/cart/tea`, { method: 'POST', headers: { cookie } })
  t.strictSame(await second.json(), [{ sku: 'tea', qty: 1 }, { sku: 'tea', qty: 1 }])
  t.strictSame(await (await fetch(`${address}/cart/milk`, { method: 'POST' })).json(), [{ sku: 'milk', qty: 1 }], 'somebody else has another cart')
}
