import { spawnSync } from 'node:child_process'
import { ask, hasBinary, host, startServer, waitUntil, type RunningServer } from './server-process.js'

export { waitUntil, type RunningServer } from './server-process.js'

/** Why the Redis tests cannot run here, or nothing when they can. */
export const redisMissing = () => hasBinary('redis-server') && hasBinary('redis-cli')
  ? undefined
  : 'redis-server and redis-cli are not installed (apt-get install redis-server)'

/** Why the Valkey tests cannot run here, or nothing when they can. */
export const valkeyMissing = () => hasBinary('valkey-server')
  ? undefined
  : 'valkey-server is not installed (apt-get install valkey-server; for Debian 12 it is in bookworm-backports)'

export interface RedisOptions {
  /** Keep the data over a restart: an append-only file, synced with every write. */
  durable?: boolean
  args?: string[]
}

export const startRedis = (options?: RedisOptions) => startRedisLike('redis-server', options)
export const startValkey = (options?: RedisOptions) => startRedisLike('valkey-server', options)

function startRedisLike (command: 'redis-server' | 'valkey-server', { durable = false, args = [] }: RedisOptions = {}): Promise<RunningServer> {
  const kept = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  return startServer({
    command,
    args: (port, directory) =>
      ['--port', String(port), '--bind', host, '--dir', directory, '--save', '', '--daemonize', 'no', ...kept, ...args],
    probe: 'PING',
    answer: '+PONG'
  })
}

export interface RunningCluster {
  readonly nodes: RunningServer[]
  readonly addresses: Array<{ host: string, port: number }>
  /** The master that holds the most keys. */
  fullestMaster (): Promise<RunningServer>
  /** The node that serves writes for the slot of `key`. */
  masterOf (key: string): Promise<RunningServer>
  stop (): Promise<void>
}

function cli (port: number, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('redis-cli', ['-h', host, '-p', String(port), ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`redis-cli ${args.join(' ')}: ${stderr || stdout}`)
  return stdout
}

const stopAll = async (servers: RunningServer[]) => { await Promise.all(servers.map(server => server.stop())) }

/** Every node knows three masters with a replica each that is in step with its master. */
async function clusterIsReady (node: RunningServer): Promise<boolean> {
  const info = await ask(node.port, 'CLUSTER INFO')
  if (!info.includes('cluster_state:ok')) return false
  const nodes = cli(node.port, 'CLUSTER', 'NODES').trim().split('\n')
  if (nodes.filter(line => / slave |,slave /.test(line)).length !== 3) return false
  const replication = await ask(node.port, 'INFO replication')
  return /role:master[^]*connected_slaves:1/.test(replication) || replication.includes('master_link_status:up')
}

/** Three masters with a replica each. A master that died is replaced within about two seconds. */
export async function startRedisCluster (): Promise<RunningCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0']
  const nodes = await Promise.all(Array.from({ length: 6 }, () => startRedis({ args })))
  const addresses = nodes.map(({ port }) => ({ host, port }))
  try {
    const list = addresses.map(({ port }) => `${host}:${port}`)
    cli(addresses[0]!.port, '--cluster', 'create', ...list, '--cluster-replicas', '1', '--cluster-yes')
    for (const node of nodes) await waitUntil('the Redis Cluster is whole', () => clusterIsReady(node), 40_000)
  } catch (error) {
    await stopAll(nodes)
    throw error
  }
  return {
    nodes,
    addresses,
    async fullestMaster () {
      const masters = nodes.filter(({ port }) => cli(port, 'ROLE').startsWith('master'))
      const keys = masters.map(({ port }) => Number(cli(port, 'DBSIZE')))
      return masters[keys.indexOf(Math.max(...keys))]!
    },
    async masterOf (key) {
      const answers = await Promise.all(nodes.map(({ port }) => ask(port, 'PING')))
      const alive = nodes.filter((_, index) => answers[index] === '+PONG\r\n')
      const slot = Number(cli(alive[0]!.port, 'CLUSTER', 'KEYSLOT', key))
      for (const node of alive) {
        const [, own = ''] = /myself,master.*?connected ?(.*)/.exec(cli(node.port, 'CLUSTER', 'NODES')) ?? []
        const serves = own.split(' ').some(range => {
          const [from, to = from] = range.split('-').map(Number)
          return from !== undefined && to !== undefined && slot >= from && slot <= to
        })
        if (serves) return node
      }
      throw new Error(`no master for slot ${slot}`)
    },
    stop: () => stopAll(nodes)
  }
}

/** Everything that `master` has written is on its replica too. */
export async function replicated (master: RunningServer): Promise<void> {
  await waitUntil('the replica has everything', async () => {
    const info = await ask(master.port, 'INFO replication')
    const [, sent] = /^slave0:.*offset=(\d+)/m.exec(info) ?? []
    return sent !== undefined && info.includes(`master_repl_offset:${sent}\r\n`)
  })
}

export interface RunningSentinel {
  readonly master: RunningServer
  readonly replica: RunningServer
  readonly sentinel: RunningServer
  readonly name: string
  stop (): Promise<void>
}

/** One Sentinel (a quorum of one) over a master and its replica. A dead master is replaced within about two seconds. */
export async function startSentinel (): Promise<RunningSentinel> {
  const name = 'sessions'
  const master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] })
  const replica = await startRedis({ args: ['--replicaof', `${host} ${master.port}`] })
  await waitUntil('the replica is in step', async () => (await ask(replica.port, 'INFO replication')).includes('master_link_status:up'))
  const sentinel = await startServer({
    command: 'redis-server',
    args: (port, directory) => {
      const config = `${directory}/sentinel.conf`
      spawnSync('sh', ['-c', `cat > ${config}`], {
        input: [
          `port ${port}`, `bind ${host}`, `dir ${directory}`,
          `sentinel monitor ${name} ${host} ${master.port} 1`,
          `sentinel down-after-milliseconds ${name} 1000`, `sentinel failover-timeout ${name} 3000`
        ].join('\n')
      })
      return [config, '--sentinel']
    },
    probe: 'PING',
    answer: '+PONG'
  })
  await waitUntil('Sentinel knows the replica', async () => cli(sentinel.port, 'SENTINEL', 'replicas', name).includes(String(replica.port)))
  return { master, replica, sentinel, name, stop: () => stopAll([sentinel, replica, master]) }
}
