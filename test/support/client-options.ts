/**
 * What the documentation tells users to set on their clients, by the driver's package: an answer or an error within two
 * seconds, and back soon after the server. Every test that breaks something runs with these, the shop has them, and
 * test/documents/client-options.test.ts compares the documents.
 */
export const clientOptions = {
  ioredis: {
    maxRetriesPerRequest: 1,
    commandTimeout: 1000,
    connectTimeout: 1000,
    socketTimeout: 1500,
    enableOfflineQueue: false,
    retryStrategy: (times: number) => Math.min(times * 50, 500)
  },
  redis: {
    disableOfflineQueue: true,
    commandOptions: { timeout: 1000 },
    pingInterval: 500,
    socket: { connectTimeout: 1000, socketTimeout: 1500, reconnectStrategy: (times: number) => Math.min(50 + times * 50, 500) }
  },
  'memcache-client': { cmdTimeout: 1000, connectTimeout: 1000, keepDangleSocket: false },
  pg: { connectionTimeoutMillis: 1000, query_timeout: 1000 },
  postgres: { connect_timeout: 1, backoff: () => 0.05, fetch_types: false },
  mysql2: { connectTimeout: 1000 },
  '@aws-sdk/client-dynamodb': { maxAttempts: 2, requestHandler: { connectionTimeout: 500, requestTimeout: 700, throwOnRequestTimeout: true } },
  mongodb: {
    serverSelectionTimeoutMS: 500, heartbeatFrequencyMS: 500, connectTimeoutMS: 1000, socketTimeoutMS: 1000, waitQueueTimeoutMS: 1000
  }
}

/** How many connections a client may have is up to the user. */
export const sizeOptions = { pg: 'max', postgres: 'max', mysql2: 'connectionLimit', mongodb: 'maxPoolSize' }

export type ClientOptions = typeof clientOptions

/** For tests that break nothing: thirty times as patient, because a busy machine may be slow where nothing is broken. */
export const patientOptions: ClientOptions = patient(clientOptions)

function patient <T extends object> (options: T): T {
  const entries = Object.entries(options).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return [name, patient(value)]
    return [name, typeof value === 'number' && /timeout/i.test(name) ? 30 * value : value]
  })
  return Object.fromEntries(entries) as T
}
