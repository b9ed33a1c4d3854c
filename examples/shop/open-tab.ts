import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { requireSession, sessionSocket } from 'fastify-typed-session'
import { here } from './page.js'
import { schema } from './session.js'

/** Every page of somebody who has signed in holds a socket, which is closed when the session ends, wherever that is. */
export async function openTab (app: FastifyInstance): Promise<void> {
  const script = await readFile(`${here}public/open-tab.js`)
  app.get('/open-tab.js', { config: { session: false } }, async (_request, reply) => reply.type('text/javascript').send(script))

  app.get('/open-tab', { ...requireSession(schema, 'user'), websocket: true }, (socket, request) => {
    // At once if the session ends in this process, within ten seconds if in another one.
    sessionSocket(socket, request, { revalidateEvery: 10 })
  })
}
