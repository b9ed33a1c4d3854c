// A library that writes its own declarations: everything that a guard is can be exported, and named by the compiler.
import fastify, { type FastifyRequest } from 'fastify'
import { createSession, requireRecent, requireSession, withSession } from 'fastify-typed-session'
import { z } from 'zod'

export const shop = createSession(z.object({ userId: z.string().optional() }), { secret: 'x' })
export const admin = createSession(z.object({ level: z.int().optional() }), { secret: 'x', name: 'admin' })
export const guard = requireSession(shop, 'userId')
export const adminGuard = requireSession(admin, 'level')
export const recent = requireRecent(300)
const audit = async (request: FastifyRequest) => { request.log.info('x') }
export const spread = { ...guard }
export const options = { ...guard, onRequest: [guard.onRequest, audit], preHandler: recent }
export const both = { ...adminGuard, ...guard }
export const { config } = guard
export const app = withSession(fastify(), shop)
export const routes = () => app.get('/', options, async (request) => request.session.userId.length)
