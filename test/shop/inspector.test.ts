import t from 'tap'
import { openShop, visit } from '../support/shop-visitor.js'
import { setEnvironment } from '../support/environment.js'

for (const [environment, status] of [['development', 200], ['production', 404]] as const) {
  t.test(`Every page leads to the inspector in development: ${environment}`, async (t) => {
    setEnvironment(t, environment)
    const { get } = visit(await openShop(t))
    t.equal(/id="inspector-link"/.test((await get('/cart')).text), status === 200)
    t.equal((await get('/.session')).status, status)
  })
}
