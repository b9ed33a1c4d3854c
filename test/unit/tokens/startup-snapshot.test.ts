import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { readText } from '../../support/documents.js'

/**
 * Builds a startup snapshot, and starts a process from it twice. A snapshot is made by one program in CommonJS that can import
 * nothing but Node's own modules: `modules` of lib, each under the name that `program` knows it by.
 */
function startTwice (t: Test, modules: Readonly<Record<string, string>>, program: string): [string, string] {
  const directory = t.testdir()
  const parts = Object.entries(modules).map(([name, file]) => {
    const { outputText } = ts.transpileModule(readText(file), { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS } })
    return `const ${name} = {};\n((exports, require) => {${outputText}})(${name}, (path) => ({ './codes.js': typeof codes === 'undefined' ? {} : codes, './owner.js': typeof owner === 'undefined' ? {} : owner })[path] ?? require(path))\n`
  })
  const entry = join(directory, 'program.cjs')
  const blob = join(directory, 'snapshot.blob')
  writeFileSync(entry, `${parts.join('')}${program}`)
  execFileSync(process.execPath, ['--snapshot-blob', blob, '--build-snapshot', entry], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
  const start = () => execFileSync(process.execPath, ['--snapshot-blob', blob, directory], { cwd: directory, encoding: 'utf8' })
  return [start(), start()]
}

t.test('S-7.2.3: processes that start from one snapshot draw different bytes, also when it was built after some were drawn', async (t) => {
  const [first, second] = startTwice(t, { random: 'lib/tokens/random.ts' }, `
    random.random(16)
    const { startupSnapshot } = require('node:v8')
    startupSnapshot.setDeserializeMainFunction(() => process.stdout.write(random.random(16).toString('hex') + random.random(16).toString('hex')))
  `)
  t.match(first, /^[\da-f]{64}$/)
  t.match(second, /^[\da-f]{64}$/)
  t.equal(new Set([first.slice(0, 32), first.slice(32), second.slice(0, 32), second.slice(32)]).size, 4)
})

t.test('processes that start from one snapshot name themselves in their file locks, and not the one that built it', async (t) => {
  const started = startTwice(t, { codes: 'lib/stores/internal/file/codes.ts', owner: 'lib/stores/internal/file/owner.ts', lock: 'lib/stores/internal/file/lock.ts' }, `
    const fs = require('node:fs')
    const { startupSnapshot } = require('node:v8')
    startupSnapshot.setDeserializeMainFunction(async () => {
      const path = process.argv.at(-1) + '/session.lock'
      const held = await lock.takeLock(path, performance.now() + 5_000)
      process.stdout.write(process.pid + '\\n' + fs.readFileSync(path, 'utf8'))
      await held.release()
    })
  `).map((output) => /^(\d+)\n(\d+) \S+ \S+ ([\da-f]{16})/.exec(output) ?? [])
  for (const [, pid, owner] of started) t.equal(owner, pid)
  t.equal(new Set(started.map(([, , , maker]) => maker)).size, 2)
})
