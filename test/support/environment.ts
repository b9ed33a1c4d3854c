import type { Test } from 'tap'

/** Sets `NODE_ENV` for the rest of the test. */
export function setEnvironment (t: Pick<Test, 'teardown'>, value: string | undefined): void {
  const before = process.env.NODE_ENV
  const set = (to: string | undefined) => { if (to === undefined) delete process.env.NODE_ENV; else process.env.NODE_ENV = to }
  set(value)
  t.teardown(() => set(before))
}
