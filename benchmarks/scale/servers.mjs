import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort, startRedis } from '../src/redis.mjs'

/** @typedef {{ unavailable: string }} Absent */

const MASTERS = 3

/** Three masters without replicas: what a cluster costs, not how it fails. @returns {Promise<{ ports: number[], stop: () => Promise<void> } | Absent>} */
export async function startRedisCluster () {
  if (spawnSync('redis-cli', ['--version']).error) return { unavailable: 'there is no redis-cli on the PATH (Debian: apt-get install redis-server)' }
  /** @type {{ port: number, stop: () => Promise<void> }[]} */
  const nodes = []
  const stop = async () => { await Promise.all(nodes.map((node) => node.stop())) }
  for (let i = 0; i < MASTERS; i++) {
    const node = await startRedis(['--cluster-enabled', 'yes'], await portForCluster())
    if ('unavailable' in node) {
      await stop()
      return node
    }
    nodes.push(node)
  }
  const ports = nodes.map(({ port }) => port)
  const cli = (/** @type {string[]} */ ...args) => spawnSync('redis-cli', args, { encoding: 'utf8' }).stdout
  cli('--cluster', 'create', ...ports.map((port) => `127.0.0.1:${port}`), '--cluster-replicas', '0', '--cluster-yes')
  for (let tries = 0; !ports.every((port) => cli('-p', String(port), 'cluster', 'info').includes('cluster_state:ok')); tries++) {
    if (tries > 100) {
      await stop()
      return { unavailable: 'the Redis Cluster did not come up' }
    }
    await wait(100)
  }
  return { ports, stop }
}

/** The cluster bus listens 10,000 above, which must be a port too. */
async function portForCluster () {
  let port
  do { port = await freePort() } while (port > 55_000)
  return port
}

/** Debian keeps the server's programs off the PATH, in one directory per major version. @param {string} name */
function postgresProgram (name) {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
  const places = [...(process.env.PATH ?? '').split(':'), ...versions.map((version) => `/usr/lib/postgresql/${version}/bin`)]
  return places.map((place) => join(place, name)).find(existsSync)
}

/** PostgreSQL refuses to run as root. */
function postgresUser () {
  if (process.getuid?.() !== 0) return {}
  const number = (/** @type {string} */ flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
  return { uid: number('-u'), gid: number('-g') }
}

/** A PostgreSQL of our own, with fsync as it is by default. @returns {Promise<{ url: string, stop: () => Promise<void> } | Absent>} */
export async function startPostgres () {
  const initdb = postgresProgram('initdb')
  const postgres = postgresProgram('postgres')
  if (initdb === undefined || postgres === undefined) return { unavailable: 'there is no postgres on this machine (Debian: apt-get install postgresql)' }
  const directory = await mkdtemp(join(tmpdir(), 'bench-postgres-'))
  const user = postgresUser()
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  const made = spawnSync(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C', '-E', 'UTF8'], { ...user, cwd: directory, encoding: 'utf8' })
  if (made.status !== 0) return { unavailable: `initdb: ${made.stderr}` }
  const port = await freePort()
  const child = spawn(postgres, ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', ''], { ...user, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  process.once('exit', () => child.kill('SIGKILL'))
  await ready(child)
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop () {
      child.kill('SIGINT')
      await once(child, 'exit')
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function ready (child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (chunk) => {
      text += chunk
      if (text.includes('ready to accept connections')) resolve(undefined)
    })
    child.once('exit', () => reject(new Error(`postgres ended: ${text}`)))
  })
}
