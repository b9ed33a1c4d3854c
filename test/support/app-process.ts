import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { COOKIE, setCookies } from './app.js'
import type { Address } from './engine.js'

export interface ProcessAnswer {
  readonly status: number
  /** The code of an error. */
  readonly code: string | undefined
  /** Whose session the handler was served; `''`: none. */
  readonly owner: string
  /** The token that the answer sets; `''` removes it, `null`: no cookie. */
  readonly token: string | null
  readonly data: Record<string, unknown>
}

/** An application in a process of its own, spoken to over HTTP. */
export interface AppProcess {
  send (path: string, token?: string | null): Promise<ProcessAnswer>
}

/** Starts it; it ends with the test. */
export async function startApp (t: Pick<Test, 'teardown'>, address: Address): Promise<AppProcess> {
  const port = await startProcess(t, 'session-process.js', address)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  return { send: async (path, token = null) => await send(agent, port, path, token) }
}

/** Starts a program of this folder that says its port, and ends with the test. */
export async function startProcess (t: Pick<Test, 'teardown'>, program: string, task: object): Promise<number> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, file, JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.stdin.end()
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(impatience)
  })
  const said = await Promise.race([once(child.stdout, 'data'), ended])
  const port = Number(String(said[0]))
  if (!(port > 1023)) throw new Error(`the application did not start: ${String(said)}`)
  return port
}

function send (agent: Agent, port: number, path: string, token: string | null): Promise<ProcessAnswer> {
  const headers = token === null ? {} : { cookie: `${COOKIE}=${token}` }
  return new Promise((resolve, reject) => {
    const request = httpRequest({ agent, port, path, headers, host: '127.0.0.1', method: path === '/read' ? 'GET' : 'POST' }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
      response.on('error', reject)
      response.on('end', () => {
        const data = JSON.parse(body || '{}') as Record<string, unknown>
        const cookie = setCookies(response.headers).map((line) => /^[^=]*=([^;]*)/.exec(line)?.[1] ?? '')
        resolve({
          status: response.statusCode as number,
          code: data.code as string | undefined,
          owner: String(response.headers['x-owner']),
          token: cookie[0] ?? null,
          data
        })
      })
    })
    request.on('error', reject)
    request.end()
  })
}
