/** A value, or a promise of one. */
export type Answer<T> = T | Promise<T>

/** Goes on with an answer: at once where there is nothing to wait for. Throws, or rejects, what `next` throws. */
export function after<T, U> (answer: Answer<T>, next: (value: T) => Answer<U>): Answer<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer)
}

/** Asks for two answers side by side, and goes on with both. Throws, or rejects, what goes wrong first. */
export function afterBoth<T, U, V> (first: () => Answer<T>, second: () => Answer<U>, next: (first: T, second: U) => Answer<V>): Answer<V> {
  const one = first()
  const other = besides(one, second)
  if (!(one instanceof Promise) && !(other instanceof Promise)) return next(one, other)
  return Promise.all([one, other]).then(([one, other]) => next(one, other))
}

/** If it throws, nobody waits for what is under way any more. */
function besides<T> (underWay: unknown, ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    if (underWay instanceof Promise) underWay.catch(() => {})
    throw error
  }
}
