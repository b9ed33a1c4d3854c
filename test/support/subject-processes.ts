import type { Test } from 'tap'
import { setCookies } from './app.js'
import { startProcess } from './app-process.js'
import { Agent, request as httpRequest } from 'node:http'
import type { Address } from './engine.js'

/** `session` has no limit, the others allow three sessions of one subject. */
export type SessionName = 'session' | 'evicting' | 'refusing'
export interface SubjectTask { readonly address: Address, readonly backend: 'store' | 'cookie' }

export interface Answered {
  readonly status: number
  readonly body: Record<string, unknown>
  /** The `Cookie` header for the next request; `''`: the cookie is removed. `null`: none was set. */
  readonly cookie: string | null
}

export interface Listed { readonly id: string, readonly createdAt: string, readonly lastUsedAt: string, readonly authenticatedAt: string, readonly about: object }

/** Two applications in two processes that share a store; what is asked of them is dealt out to both. */
export async function subjectProcesses (t: Test, task: SubjectTask) {
  const ports = await Promise.all([0, 1].map(async () => await startProcess(t, 'subject-process.js', task)))
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  t.teardown(() => agent.destroy())
  let turn = 0

  function ask (path: string, body: object = {}, cookie = '', by = turn++): Promise<Answered> {
    const headers = { 'content-type': 'application/json', 'user-agent': `browser ${by % 2}`, ...(cookie !== '' && { cookie }) }
    return new Promise((resolve, reject) => {
      const request = httpRequest({ agent, port: ports[by % 2], path, headers, host: '127.0.0.1', method: 'POST' }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode as number, body: JSON.parse(text || '{}'), cookie: carry(setCookies(response.headers)) }))
      })
      request.on('error', reject)
      request.end(JSON.stringify(body))
    })
  }

  const login = async (name: SessionName, subject: string): Promise<string> => (await ask(`/${name}/login`, { subject })).cookie ?? ''
  const list = async (name: SessionName, subject: string) => (await ask(`/${name}/list`, { subject })).body as unknown as Listed[]
  const alive = async (name: SessionName, cookies: readonly string[]) => {
    const counts = await Promise.all([0, 1].map(async (by) => (await ask(`/${name}/alive`, { cookies }, '', by)).body.alive as number))
    return counts
  }
  return { ask, login, list, alive }
}

export type SubjectProcesses = Awaited<ReturnType<typeof subjectProcesses>>

function carry (lines: readonly string[]): string | null {
  const [line] = lines
  if (line === undefined) return null
  return /; Max-Age=0(;|$)/i.test(line) ? '' : line.split(';', 1).join()
}
