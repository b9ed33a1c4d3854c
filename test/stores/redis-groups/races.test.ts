import { raceSuite } from '../../support/race-suite.js'

await raceSuite('redis-groups')
