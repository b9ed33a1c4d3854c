import { errorField } from '../sql/retry.js'

/** Whether the condition of a write held. If not, nothing was written. */
export const isDone = async (write: Promise<unknown>) => await unlessRefused(write.then(() => true)) ?? false

/** `undefined`: the condition did not hold. */
export async function unlessRefused<T> (write: Promise<T>): Promise<T | undefined> {
  return await write.catch((error: unknown) => {
    if (errorField(error, 'name') !== 'ConditionalCheckFailedException') throw error
    return undefined
  })
}
