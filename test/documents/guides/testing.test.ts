import { join } from 'node:path'
import t from 'tap'
import { writePrograms } from '../../support/block-files.js'
import { appModule } from '../../support/block-program.js'
import { blocksOf } from '../../support/documents.js'
import { runNodeTest } from '../../support/node-test.js'

t.test('the tests that the guide shows pass, with the program that it shows', async (t) => {
  const tests = blocksOf('docs/guides/testing.md').filter(({ code }) => code.includes("from 'node:test'"))
  t.equal(tests.length, 1)
  const [{ code = '' } = {}] = tests
  const folder = writePrograms(t, { 'app.js': appModule('docs/guides/testing.md'), 'app.test.js': code })
  const output = runNodeTest(join(folder, 'app.test.js'))
  t.match(output, new RegExp(`^# pass ${code.match(/^test\(/gm)?.length}$`, 'm'))
  t.match(output, /^# fail 0$/m)
})
