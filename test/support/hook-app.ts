import type { Test } from 'tap'
import { type AppOptions, buildApp } from './app.js'

/** An application with a route for each thing that makes hooks run. */
export async function hookApp (t: Pick<Test, 'teardown'>, options: AppOptions) {
  const scene = await buildApp(t, options)
  const { app } = scene
  app.get('/id', async ({ session }) => session.id)
  app.get('/visits', async ({ session }) => String(session.visits))
  app.get('/data', async ({ session }) => session.data())
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/note', async ({ session }) => { session.note = 'a note'; session.visits++ })
  app.get('/save', async ({ session }) => { session.visits++; await session.save() })
  app.get('/update', async ({ session }) => await session.update((data) => { data.visits++ }))
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/destroy', async ({ session }) => await session.destroy())
  return scene
}
