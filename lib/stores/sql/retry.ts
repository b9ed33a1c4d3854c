const attempts = 5

/** Again at once, a few times, when the database says that it did nothing and that a second attempt may succeed. */
export async function retry<T> (attempt: () => Promise<T>, didNothing: (error: unknown) => boolean): Promise<T> {
  for (let left = attempts - 1; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0 || !didNothing(error)) throw error
    }
  }
}

/** The `code` or `errno` of a driver's error. */
export const errorField = (error: unknown, field: 'code' | 'errno'): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[field] : undefined
