import type { Test } from 'tap'
import inspector, { type InspectorOptions } from '../../lib/inspector.js'
import type { AppOptions, Client } from './app.js'
import { setEnvironment } from './environment.js'
import { hookApp } from './hook-app.js'

export interface SeenEvent { readonly what: string, readonly why?: string, readonly keys?: readonly string[], readonly others?: number, readonly route: string | null, readonly request: number | null, readonly at: number, readonly number: number }

/** A session in the answer to `/.session/state`. */
export interface SeenSession {
  readonly name: string
  readonly store: string | null
  readonly cookie: { readonly bytes: number, readonly limit: number }
  readonly policy: Record<string, unknown>
  readonly reason: string | null
  readonly session: null | {
    readonly id: string
    readonly version: number
    readonly createdAt: string
    readonly usedAt: string
    readonly authenticatedAt: string | null
    readonly idleEnd: string
    readonly absoluteEnd: string
    readonly persists: boolean
    readonly data: Record<string, unknown>
    readonly hidden: { readonly keys: number, readonly bytes: number }
    readonly record: { readonly bytes: number, readonly limit: number } | null
    readonly devices: null | { readonly total: number, readonly some: null | ReadonlyArray<{ readonly id: string, readonly about: object | null }> }
  }
  readonly events: readonly SeenEvent[]
}

/** A `Client`, or anything that gets pages. */
type Visitor = Pick<Client, 'get'>

export async function see (client: Visitor, path = '/.session'): Promise<readonly SeenSession[]> {
  return (await client.get(`${path}/state`)).json().sessions
}

/** The first session as the page shows it. */
export async function seen (client: Visitor, path?: string): Promise<SeenSession> {
  return (await see(client, path))[0] as SeenSession
}

/** An event without what changes from run to run. */
export function short ({ what, why, keys, others, route }: SeenEvent): string {
  return [what, why, keys?.join('+'), others ? `+${others}` : undefined, route].filter((part) => part !== undefined && part !== '').join(' ')
}

/** An application with an inspector, and a route for each thing that makes events. */
export async function inspectorApp (t: Pick<Test, 'teardown'>, options: AppOptions, inspectorOptions: InspectorOptions = {}) {
  setEnvironment(t, 'test')
  const scene = await hookApp(t, options)
  await scene.app.register(inspector, inspectorOptions)
  return scene
}
