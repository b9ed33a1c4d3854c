import { tracingChannel } from 'node:diagnostics_channel'
import type { StoreCallMessage } from '../../types/index.js'
import type { Answer } from '../async/answer.js'

type Message = { -readonly [Key in keyof StoreCallMessage]: StoreCallMessage[Key] }

const channel = tracingChannel<Message>('fastify-typed-session:store')

/** Does anybody in this process trace calls to stores? */
export const isTraced = (): boolean => channel.hasSubscribers

/**
 * Runs a call to a store, and tells whoever traces. Node's own `traceSync()` and `tracePromise()` would hand out the answer,
 * which holds data.
 */
export function traced<T> (operation: string, store: string, call: () => Answer<T>): Answer<T> {
  const message: Message = { operation, store }
  const answer = channel.start.runStores(message, () => started(message, call))
  if (!(answer instanceof Promise)) return answer
  const told = () => channel.asyncStart.runStores(message, () => { channel.asyncEnd.publish(message) })
  answer.then((value) => {
    settled(message, value)
    told()
  }, (error: unknown) => {
    failed(message, error)
    told()
  })
  return answer
}

function started<T> (message: Message, call: () => Answer<T>): Answer<T> {
  let answer: Answer<T>
  try {
    answer = settled(message, call())
  } catch (error) {
    failed(message, error)
    channel.end.publish(message)
    throw error
  }
  channel.end.publish(message)
  return answer
}

function failed (message: Message, error: unknown): void {
  message.error = error
  channel.error.publish(message)
}

function settled<T> (message: Message, answer: T): T {
  if (!(answer instanceof Promise)) message.outcome = outcomeOf(message.operation, answer)
  return answer
}

/** Never what was found: only that something was. */
function outcomeOf (operation: string, answer: unknown): string {
  if (operation === 'load') return answer === null ? 'missing' : 'found'
  if (operation === 'create') return answer === false ? 'taken' : 'created'
  return operation === 'replace' ? String(answer) : 'done'
}
