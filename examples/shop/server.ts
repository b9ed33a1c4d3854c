import type { AddressInfo } from 'node:net'
import { fileStore } from 'fastify-typed-session/stores/file'
import { buildShop } from './app.js'
import { here } from './page.js'
import { shopSecret } from './secret.js'
import { kindOf, openStore } from './store.js'

process.env.NODE_ENV ??= 'development'
const { DATA: data = `${here}data`, PORT: port = '3000', STORE: address, TRUST_PROXY: trustProxy } = process.env

async function open () {
  const opened = await openStore(address)
  const store = opened?.store ?? null
  const app = await buildShop({
    secret: await shopSecret(data),
    store,
    // In a cookie session: a small file for each that has not ended. Servers on several machines share a database instead.
    revocations: store ?? fileStore({ directory: `${data}/sessions` }),
    server: { logger: { level: 'warn' }, trustProxy: trustProxy === '1' },
    close: () => opened?.close()
  })
  await app.listen({ port: Number(port), host: 'localhost' })
  return app
}

/** One sentence instead of a stack: most often a port is in use, or the server of `STORE` is away. */
function cannotOpen (error: NodeJS.ErrnoException): never {
  const why = error.code === 'EADDRINUSE' ? `port ${port} is in use. Choose another: PORT=3001 npm run shop` : error.message
  console.error(`The shop cannot open: ${why}`)
  process.exit(1)
}

const app = await open().catch(cannotOpen)
console.log(`The shop is open: http://localhost:${(app.server.address() as AddressInfo).port} (sessions: ${kindOf(address)})`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close().then(() => process.exit(0)) })
