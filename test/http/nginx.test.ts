import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../support/app.js'
import { hasBinary, startServer } from '../support/server-process.js'
import { skipOrFail } from '../support/skip.js'
import { listen } from '../support/wire.js'

if (!hasBinary('nginx')) t.test('docs/proxies.md: nginx', async (t) => skipOrFail(t, 'nginx is not installed'))
else {
  t.test('docs/proxies.md: nginx with its defaults answers 502 to a cookie that is too big for it, which we have said, and takes it with bigger buffers', async t => {
    const { app, logs, newClient } = await buildApp(t, { backend: 'cookie', fastify: { trustProxy: true, logger: false } })
    app.get('/write/:length', async ({ params, session }) => { session.note = 'x'.repeat(Number((params as { length: string }).length)) })
    app.get('/read', async ({ session }) => session.note?.length)
    t.notOk(logs.length)
    const upstream = await listen(app)
    const send = async (proxy: string, path: string, cookie?: string) => await fetch(proxy + path, { headers: cookie === undefined ? {} : { cookie } })

    const plain = await startNginx(t, upstream, '')
    const buffered = await startNginx(t, upstream, 'proxy_buffer_size 8k; proxy_buffers 8 8k;')
    const statuses = async (proxy: string) => [(await send(proxy, '/write/1500')).status, (await send(proxy, '/write/2800')).status]
    t.strictSame(await statuses(plain), [200, 502])
    t.strictSame(await statuses(buffered), [200, 200])

    const client = newClient()
    await client.get('/write/2800')
    t.equal(await (await send(plain, '/read', client.header)).text(), '2800', 'a request may have more')
    const crowded = Array.from({ length: 3 }, (_, index) => `other${index}=${'y'.repeat(3000)}`).join('; ')
    t.equal((await send(plain, '/read', `${crowded}; ${client.header}`)).status, 400, 'up to 8 KiB in one line')
  })
}

/** nginx before `upstream`, with its defaults but for `directives`; resolves to its address. */
async function startNginx (t: { teardown (end: () => Promise<void>): void }, upstream: string, directives: string): Promise<string> {
  const { host, port, stop } = await startServer({
    command: 'nginx',
    args (port, directory) {
      const file = join(directory, 'nginx.conf')
      const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${directory}/${what};`).join(' ')
      writeFileSync(file, `
        daemon off; master_process off; pid ${directory}/pid; error_log stderr;
        events {}
        http {
          access_log off; ${folders}
          server { listen 127.0.0.1:${port}; location / { proxy_pass ${upstream}; proxy_set_header X-Forwarded-Proto https; ${directives} } }
        }`)
      return ['-p', directory, '-c', file]
    },
    probe: 'GET /read HTTP/1.0\r\n',
    answer: 'HTTP/1.1'
  })
  t.teardown(stop)
  return `http://${host}:${port}`
}
