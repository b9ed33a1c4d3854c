/** What is known at once, or later. */
export type Answer<T> = T | Promise<T>

/** Goes on with an answer: at once where there is nothing to wait for. Throws, or rejects, what `next` throws. */
export function after<T, U> (answer: Answer<T>, next: (value: T) => Answer<U>): Answer<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer)
}
