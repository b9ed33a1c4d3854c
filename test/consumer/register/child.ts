import { expectTypeOf } from 'expect-type'
import type { FastifyPluginAsync } from 'fastify'

// Does not import the schema: the declaration reaches every file of the program.
export const child: FastifyPluginAsync = async (app) => {
  app.get('/child', async (request) => {
    expectTypeOf(request.session).not.toBeAny()
    expectTypeOf(request.session.theme).toEqualTypeOf<'light' | 'dark'>()
    // @ts-expect-error no such key
    return request.session.crat
  })
}
