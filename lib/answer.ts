/** What is known at once, or later. */
export type Answer<T> = T | Promise<T>

/** Goes on with an answer: at once where there is nothing to wait for. Throws, or rejects, what `next` throws. */
export function after<T, U> (answer: Answer<T>, next: (value: T) => Answer<U>): Answer<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer)
}

/** Goes on with two answers that were asked for side by side. */
export function afterBoth<T, U, V> (first: Answer<T>, second: Answer<U>, next: (first: T, second: U) => Answer<V>): Answer<V> {
  if (!(first instanceof Promise) && !(second instanceof Promise)) return next(first, second)
  return Promise.all([first, second]).then(([first, second]) => next(first, second))
}
