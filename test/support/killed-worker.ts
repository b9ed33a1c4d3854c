// A process of its own that starts a server, says which processes and what directory it has, and waits to be killed.
import { spawnSync } from 'node:child_process'
import { startDatabase } from './database-process.js'

const { directory } = await startDatabase({
  name: 'stand-in',
  command: 'sh',
  args: (_port, directory) => ['-c', `sleep 600 & echo $$ $! > ${directory}/pids; wait`],
  isUp: async () => true
})
const read = () => spawnSync('cat', [`${directory}/pids`], { encoding: 'utf8' }).stdout.trim()
let pids = read()
while (!pids.includes(' ')) pids = read()
process.stdout.write(JSON.stringify({ directory, pids: pids.split(' ').map(Number) }))
