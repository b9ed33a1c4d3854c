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

/** A registered session. Others of the process may have the same name. */
interface Sender { readonly settings: { readonly name: string } }

const senders = new WeakMap<object, Sender>()

/** The session that has published a message. */
export const senderOf = (message: object): Sender | undefined => senders.get(message)

/** Tells the subscribers, if there are any. `facts`: the event of a hook, without data. */
export function publish (name: SessionHookName, sender: Sender, facts: () => object): void {
  if (!hasSubscribers(name)) return
  const message = Object.freeze({ session: sender.settings.name, ...facts() })
  senders.set(message, sender)
  channelOf(name)?.publish(message)
}
