import { faultSuite } from '../../support/fault-suite.js'
import { redisFaults } from '../../support/redis-faults.js'

await faultSuite('valkey', { keepDeadConnections: ['node-redis'], own: redisFaults })
