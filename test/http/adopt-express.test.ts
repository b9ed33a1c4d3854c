import t from 'tap'
import { adoptionSuite } from '../support/adoption-suite.js'
import { OLDER_KEY, expressApplication } from '../support/old-applications.js'

t.test('sessions of express-session, whose application runs beside ours', async (t) => await adoptionSuite(t, expressApplication, OLDER_KEY))
