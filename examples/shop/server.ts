import type { AddressInfo } from 'node:net'
import { buildShop, here } from './app.js'
import { shopSecret } from './secret.js'
import { kindOf, openStore } from './store.js'

const opened = await openStore(process.env.STORE)
const app = await buildShop({
  secret: await shopSecret(`${here}data`),
  store: opened?.store ?? null,
  server: { logger: { level: 'warn' }, trustProxy: process.env.TRUST_PROXY === '1' }
})
if (opened) app.addHook('onClose', async () => { await opened.close() })
await app.listen({ port: Number(process.env.PORT ?? 3000), host: 'localhost' })
const { port } = app.server.address() as AddressInfo
console.log(`The shop is open: http://localhost:${port} (sessions: ${kindOf(process.env.STORE)})`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close().then(() => process.exit(0)) })
