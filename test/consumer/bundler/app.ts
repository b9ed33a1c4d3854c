// Every entry point, as Vite, esbuild and the like resolve it.
import { expectTypeOf } from 'expect-type'
import fastify from 'fastify'
import session, { SessionError } from 'fastify-typed-session'
import { fromFlask } from 'fastify-typed-session/adopt'
import { date } from 'fastify-typed-session/codecs'
import { storeConformance } from 'fastify-typed-session/conformance'
import deviceBound from 'fastify-typed-session/device-bound'
import inspector from 'fastify-typed-session/inspector'
import { connectStore } from 'fastify-typed-session/stores/connect'
import { dynamodbStore } from 'fastify-typed-session/stores/dynamodb'
import { fileStore } from 'fastify-typed-session/stores/file'
import { memcachedStore } from 'fastify-typed-session/stores/memcached'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import { migratingStore } from 'fastify-typed-session/stores/migrating'
import { mongoStore } from 'fastify-typed-session/stores/mongodb'
import { mysqlStore } from 'fastify-typed-session/stores/mysql'
import { postgresStore } from 'fastify-typed-session/stores/postgres'
import { postgresJsStore } from 'fastify-typed-session/stores/postgres-js'
import { redisStore } from 'fastify-typed-session/stores/redis'
import { sqliteStore } from 'fastify-typed-session/stores/sqlite'
import { tieredStore } from 'fastify-typed-session/stores/tiered'
import { sessionCookie } from 'fastify-typed-session/testing'
import { z } from 'zod'

const schema = z.object({ count: z.int().default(0), lastSeen: date().optional() })

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}

export const stores = [connectStore, dynamodbStore, fileStore, memcachedStore, migratingStore, mongoStore, mysqlStore, postgresStore, postgresJsStore, redisStore, sqliteStore, tieredStore]
export const others = [deviceBound, fromFlask, inspector, storeConformance]

const app = fastify()
app.register(session, { schema, secret: Buffer.alloc(32), store: memoryStore() })
app.get('/', async (request) => {
  expectTypeOf(request.session).not.toBeAny()
  expectTypeOf(request.session.lastSeen).toEqualTypeOf<Date | undefined>()
  // @ts-expect-error no such key
  return request.session.cuont
})
app.setErrorHandler((error) => {
  if (error instanceof SessionError) expectTypeOf(error.code).toEqualTypeOf<`FST_TYPED_SESSION_${string}`>()
})
await sessionCookie(app, { count: 1 })
