import { raceSuite } from '../../support/race-suite.js'

await raceSuite('file')
