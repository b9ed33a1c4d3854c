import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { fromFlask } from '../../lib/adopt.js'
import { asking, type Mapped, OLD_KEY, OLDER_KEY, type OldApplication } from './old-applications.js'
import { startProgram } from './program.js'
import { root } from './root.js'

/** A Python that has Flask: `.ci/run` makes one. */
const candidates = [process.env.FLASK_PYTHON, join(root, '.ci/servers/flask/bin/python'), 'python3']
const hasFlask = (python: string) => (python === 'python3' || existsSync(python)) && spawnSync(python, ['-c', 'import flask']).status === 0

export const python = candidates.filter((candidate) => candidate !== undefined).find(hasFlask)
/** Why it cannot run here; `null`: it can. */
export const withoutFlask = python === undefined ? 'there is no Python with Flask: python3 -m venv .ci/servers/flask && .ci/servers/flask/bin/pip install flask, or set FLASK_PYTHON' : null

export interface FlaskAppOptions { readonly keys?: string[], readonly salt?: string, readonly large?: number, readonly cookie?: string, readonly guide?: boolean }

/** Starts Flask on a free port. Ends with the test. */
export async function startFlask (t: Pick<Test, 'teardown'>, { keys = [OLD_KEY], ...options }: FlaskAppOptions = {}): Promise<string> {
  return await startProgram(t, [python as string, join(root, 'test/support/flask_app.py')], { FLASK_OPTIONS: JSON.stringify({ keys, ...options }) }, 'ignore')
}

/** With the names that the guide has. */
export async function flaskGuideApplication (t: Pick<Test, 'teardown'>): Promise<OldApplication> {
  const old = await flaskApplication(t)
  return { ...old, ...asking('session', await startFlask(t, { cookie: 'session', guide: true })) }
}

export async function flaskApplication (t: Pick<Test, 'teardown'>, options: FlaskAppOptions = {}): Promise<OldApplication> {
  const address = await startFlask(t, options)
  const until = new Date(Date.now() + 30 * 86_400_000)
  const map = (old: { user?: string, visits?: number }): Mapped => ({ ...(old.user !== undefined && { userId: old.user }), visits: old.visits ?? 0 })
  return {
    name: 'Flask',
    keeps: false,
    adopter: (more = {}) => fromFlask({ cookie: 'flask', until, secret: [OLD_KEY, OLDER_KEY], map, ...(options.salt !== undefined && { salt: options.salt }), ...more }),
    ...asking('flask', address)
  }
}
