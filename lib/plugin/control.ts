import type { CookieSource, ListedSession, OpenedSession, SessionHookName, SessionPolicy, Sessions } from '../../types/index.js'
import { readCookie } from '../http/cookie.js'
import { NotConfigured } from '../errors.js'
import type { Data } from '../session/merge.js'
import { describeSettings } from '../options/policy.js'
import type { Runtime } from '../request/runtime.js'
import { cookiesOf, openCookie } from './open-cookie.js'
import { loadBackend } from './setup.js'
import { SubjectSessions } from './subjects.js'

/** `app.sessions`: acts on sessions from outside their requests. */
export class SessionControl implements Sessions<Data> {
  readonly #runtime: Runtime
  readonly #sentTo: (source: object) => string | null
  #reloads = 0
  #loaded = 0

  /** `sentTo`: the `Set-Cookie` of the response to a request, if it has one by now. */
  constructor (runtime: Runtime, sentTo: (source: object) => string | null) {
    this.#runtime = runtime
    this.#sentTo = sentTo
  }

  policy (): SessionPolicy {
    return describeSettings(this.#runtime.settings, this.#runtime.keyIds, this.#runtime.gate !== null)
  }

  addHook (name: SessionHookName, hook: (event: never) => void | Promise<void>): void {
    this.#runtime.hooks.add(name, hook)
  }

  async open (source: CookieSource | string | null | undefined): Promise<OpenedSession<Data> | null> {
    const cookies = cookiesOf(source)
    return await openCookie(this.#runtime, readCookie(this.#willSend(source) ?? cookies, this.#runtime.settings.cookie.name), cookies)
  }

  async list (subject: string): Promise<ListedSession[]> {
    return await new SubjectSessions(this.#runtime, subject).list()
  }

  async destroy (id: string, subject: string): Promise<boolean> {
    return await new SubjectSessions(this.#runtime, subject).destroy(id)
  }

  async destroyAll (subject: string, { except = [] }: { except?: string | readonly string[] } = {}): Promise<number> {
    return await new SubjectSessions(this.#runtime, subject).destroyAll([except].flat())
  }

  async revokeAll (): Promise<void> {
    const { backend: { records }, settings: { name }, sockets } = this.#runtime
    if (!records?.notBefore) throw new NotConfigured(`${name}s.revokeAll()`, 'revocations')
    await records.notBefore.begin(Date.now())
    sockets.checkAll()
  }

  async reloadSecrets (): Promise<void> {
    const reload = ++this.#reloads
    const loaded = await loadBackend(this.#runtime.settings, this.#runtime.secret)
    // An answer that comes late must not undo a later one.
    if (reload < this.#loaded) return
    this.#loaded = reload
    Object.assign(this.#runtime, loaded)
  }

  async sweep (): Promise<number> {
    const { store, revocations } = this.#runtime.settings
    let removed = 0
    for (const kept of new Set([store, revocations])) removed += await kept?.sweep?.() ?? 0
    return removed
  }

  /** For `testing`, `device-bound` and `inspector`. */
  static runtimeOf (control: SessionControl): Runtime {
    return control.#runtime
  }

  /** The session cookie that the browser will send next, if the response to a request has set one. */
  #willSend (source: CookieSource | string | null | undefined): string | undefined {
    return typeof source === 'object' && source !== null ? this.#sentTo(source)?.split(';', 1).join() : undefined
  }
}
