import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { mapStore } from '../../examples/custom-store/map-store.js'
import { conforms } from '../support/conformance.js'
import { skipOrFail } from '../support/skip.js'

conforms(t, () => mapStore())

t.test('the test of the example runs on node:test, against the built package', async (t) => {
  const built = fileURLToPath(new URL('../../dist/lib/conformance.js', import.meta.url))
  if (!existsSync(built)) return skipOrFail(t, 'the package is not built')
  const example = fileURLToPath(new URL('../../examples/custom-store/map-store.test.ts', import.meta.url))
  // Without the variable that tells a test runner that it is run by one.
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const { stdout, status } = spawnSync(process.execPath, [...process.execArgv, '--test-reporter=tap', example], { encoding: 'utf8', env })
  t.equal(status, 0, stdout)
  t.match(stdout, /^# pass [5-9]\d$/m)
  t.match(stdout, /^# fail 0$/m)
})
