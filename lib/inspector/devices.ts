import type { ListedSession } from '../../types/index.js'
import type { Found } from '../plugin/open-cookie.js'
import { SubjectSessions } from '../plugin/subjects.js'
import type { Runtime } from '../request/runtime.js'

/** A page with more of them would be of no use. */
const MOST = 50

/** The live sessions of a person. `some`: last used first; `null`: they cannot be listed. */
export interface Devices { readonly total: number, readonly some: readonly ListedSession[] | null }

/** The sessions of whoever a session is of; `null`: it is nobody's. Never rejects. */
export async function devicesOf (runtime: Runtime, found: Found): Promise<Devices | null> {
  try {
    const sessions = subjectSessions(runtime, found)
    if (sessions === null) return null
    const all = await sessions.list()
    return { total: all.length, some: all.slice(0, MOST) }
  } catch {
    return { total: 0, some: null }
  }
}

/** Ends a session of the same person. `false`: they have no such session. Rejects as `app.sessions.destroy` does. */
export async function endDevice (runtime: Runtime, found: Found, id: string): Promise<boolean> {
  return await subjectSessions(runtime, found)?.destroy(id) ?? false
}

function subjectSessions (runtime: Runtime, { data }: Found): SubjectSessions | null {
  const subject = runtime.settings.subject?.({ ...data })
  return subject === undefined ? null : new SubjectSessions(runtime, subject)
}
