// `store: production ? redisStore({ client }) : undefined` compiles although exactOptionalPropertyTypes is on.
import { expectTypeOf } from 'expect-type'
import fastify from 'fastify'
import session, { createSession, type CookieOptions, type HandleOptions, type RouteSessionSettings, type SessionHooks, type SessionOptions, type SessionSocketOptions } from 'fastify-typed-session'
import type { ConformanceOptions } from 'fastify-typed-session/conformance'
import type { FileStoreOptions } from 'fastify-typed-session/stores/file'
import type { MemcachedStoreOptions } from 'fastify-typed-session/stores/memcached'
import { memoryStore, type MemoryStoreOptions } from 'fastify-typed-session/stores/memory'
import type { MigratingStoreOptions } from 'fastify-typed-session/stores/migrating'
import type { MysqlStoreOptions } from 'fastify-typed-session/stores/mysql'
import type { PostgresStoreOptions } from 'fastify-typed-session/stores/postgres'
import type { PostgresJsStoreOptions } from 'fastify-typed-session/stores/postgres-js'
import type { RedisStoreOptions } from 'fastify-typed-session/stores/redis'
import type { SqliteStoreOptions } from 'fastify-typed-session/stores/sqlite'
import type { TieredStoreOptions } from 'fastify-typed-session/stores/tiered'
import { z } from 'zod'

/** The optional members that refuse `undefined`. */
type Refusing<T> = { [K in keyof T]-?: object extends Pick<T, K> ? ({ [P in K]: undefined } extends Pick<T, K> ? never : K) : never }[keyof T]
expectTypeOf<Refusing<{ a?: 1, b: 1, c?: 1 | undefined }>>().toEqualTypeOf<'a'>()

const schema = z.object({ cart: z.array(z.string()).default([]), userId: z.string().optional() })
type Schema = typeof schema

declare module 'fastify-typed-session' {
  interface Register { session: Schema }
}

expectTypeOf<Refusing<SessionOptions<Schema>>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<HandleOptions<Schema>>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<CookieOptions>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<SessionHooks<{ cart: string[] }>>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<NonNullable<SessionOptions<Schema>['merge']>>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<RouteSessionSettings>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<SessionSocketOptions>>().toEqualTypeOf<never>()
expectTypeOf<Refusing<ConformanceOptions>>().toEqualTypeOf<never>()
type Stores = [
  FileStoreOptions, MemcachedStoreOptions, MemoryStoreOptions, MigratingStoreOptions, MysqlStoreOptions, PostgresJsStoreOptions, PostgresStoreOptions,
  RedisStoreOptions, SqliteStoreOptions, TieredStoreOptions
]
expectTypeOf<{ [I in keyof Stores]: Refusing<Stores[I]> }[number]>().toEqualTypeOf<never>()

declare const production: boolean
const store = production ? memoryStore({ maxEntries: production ? 5 : undefined }) : undefined
const app = fastify()
app.register(session, { schema, secret: '', store, subject: production ? 'userId' : undefined, cookie: { domain: production ? 'example.com' : undefined } })
app.get('/', { config: { session: production ? false : undefined } }, async () => '')
createSession(schema, { secret: '', store, hooks: { onSave: production ? ({ data }) => { expectTypeOf(data.cart).toEqualTypeOf<string[]>() } : undefined } })
// @ts-expect-error what is required is required
createSession(schema, { secret: undefined })
