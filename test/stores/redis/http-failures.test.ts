import { faultSuite } from '../../support/fault-suite.js'
import { redisFaults } from '../../support/redis-faults.js'

await faultSuite('redis', { keepDeadConnections: ['node-redis'], own: redisFaults })
