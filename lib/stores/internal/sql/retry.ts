const attempts = 5

/** Again at once, a few times, when the database says that it did nothing and that a second attempt may succeed. */
export async function retry<T> (attempt: () => Promise<T>, didNothing: (error: unknown) => boolean, left = attempts): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (left === 1 || !didNothing(error)) throw error
  }
  return await retry(attempt, didNothing, left - 1)
}

/** The `code` or `errno` of a driver's error. */
export const errorField = (error: unknown, field: 'code' | 'errno' | 'name'): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[field] : undefined
