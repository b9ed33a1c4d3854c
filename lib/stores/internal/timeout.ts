/** The answer, or a rejection when that many milliseconds have passed without one. */
export async function within<T> (milliseconds: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds)
  })
  return await Promise.race([answer, tooLate]).finally(() => clearTimeout(timer))
}
