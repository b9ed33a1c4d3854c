import { createRequire } from 'node:module'
import { join } from 'node:path'
import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { createTable, dynamodbStore } from '../../../lib/stores/dynamodb.js'
import { clientOptions } from '../../support/client-options.js'
import { type Engine, single } from '../../support/engine.js'
import { host, type RunningServer, startServer } from '../../support/server-process.js'

const program = createRequire(import.meta.url).resolve('dynalite/cli.js')

/** Speaks DynamoDB's protocol, keeps its data in files, has no TTL. */
export function startDynalite (): Promise<RunningServer> {
  return startServer({
    command: 'node',
    args: (port, directory) => [program, '--host', host, '--port', String(port), '--path', join(directory, 'data'), '--createTableMs', '0', '--deleteTableMs', '0'],
    probe: 'GET / HTTP/1.0\r\n',
    answer: 'HTTP/1.1 200'
  })
}

/** A client with the options that the documentation recommends. It has to be destroyed. */
export function openDynamodb (port: number | string, { maxAttempts, requestHandler } = clientOptions['@aws-sdk/client-dynamodb']): DynamoDB {
  return new DynamoDB({
    endpoint: `http://${host}:${port}`,
    region: 'local',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts,
    requestHandler: { ...requestHandler, httpAgent: { keepAlive: true, maxSockets: 5 } }
  })
}

export default {
  dynalite: {
    start: async () => await single(startDynalite()),
    clients: {
      '@aws-sdk/client-dynamodb' (port, { options }) {
        const client = openDynamodb(port, options['@aws-sdk/client-dynamodb'])
        return {
          store: (table = 'sessions') => dynamodbStore({ client, table }),
          prepare: async (table = 'sessions') => await createTable(client, { table, ttl: false }),
          close: () => client.destroy()
        }
      }
    },
    abilities: { sweeps: false }
  }
} satisfies Engine
