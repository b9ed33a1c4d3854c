import { type Channel, channel } from 'node:diagnostics_channel'
import type { SessionHookName } from '../../types/index.js'

type Told = 'onLoad' | 'onSave' | 'onRotate' | 'onDestroy' | 'onReject' | 'onConflict'

const CHANNELS: Readonly<Record<Told, Channel>> = {
  onLoad: channel('fastify-typed-session:load'),
  onSave: channel('fastify-typed-session:save'),
  onRotate: channel('fastify-typed-session:rotate'),
  onDestroy: channel('fastify-typed-session:destroy'),
  onReject: channel('fastify-typed-session:reject'),
  onConflict: channel('fastify-typed-session:conflict')
}

const channelOf = (name: SessionHookName): Channel | undefined => CHANNELS[name as Told]

/** Does anybody in this process listen to what `name` tells? */
export const hasSubscribers = (name: SessionHookName): boolean => channelOf(name)?.hasSubscribers === true

/** Tells the subscribers, if there are any. `facts`: the event of a hook, without data. */
export function publish (name: SessionHookName, session: string, facts: () => object): void {
  if (hasSubscribers(name)) channelOf(name)?.publish(Object.freeze({ session, ...facts() }))
}
