import type { AddressInfo } from 'node:net'
import { fileStore } from 'fastify-typed-session/stores/file'
import { buildShop } from './app.js'
import { here } from './page.js'
import { shopSecret } from './secret.js'
import { kindOf, openStore } from './store.js'

const data = process.env.DATA ?? `${here}data`
const opened = await openStore(process.env.STORE)
const store = opened?.store ?? null
const app = await buildShop({
  secret: await shopSecret(data),
  store,
  // In a cookie session: a small file for each that has not ended. Servers on several machines share a database instead.
  revocations: store ?? fileStore({ directory: `${data}/sessions` }),
  server: { logger: { level: 'warn' }, trustProxy: process.env.TRUST_PROXY === '1' },
  close: () => opened?.close()
})
await app.listen({ port: Number(process.env.PORT ?? 3000), host: 'localhost' })
const { port } = app.server.address() as AddressInfo
console.log(`The shop is open: http://localhost:${port} (sessions: ${kindOf(process.env.STORE)})`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close().then(() => process.exit(0)) })
