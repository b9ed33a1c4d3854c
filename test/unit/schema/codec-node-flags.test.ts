import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const program = fileURLToPath(new URL('../../support/codec-flags.js', import.meta.url))
const always = ['what is written is read', 'hostile data is not ok', 'hostile data is salvaged without its keys', 'hostile data is not written', 'hostile data can be copied']

const flags: [string, string[]][] = [
  ['--disallow-code-generation-from-strings', ['new Function throws', ...always]],
  ['--disable-proto=throw', ['__proto__ throws', ...always]],
  ['--disable-proto=delete', always]
]
for (const [flag, facts] of flags) {
  t.test(`K-46: the codec does its work under ${flag}`, async t => {
    const { stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, flag, program], { encoding: 'utf8' })
    t.strictSame(stdout.trim().split('\n'), facts, stderr)
  })
}
