// Compiles the tests once and runs them. `node scripts/test.mjs [--coverage] [--in FOLDER] [FILE | FOLDER | PART OF A NAME]...`
import { compile } from './test/compile.mjs'
import { reportCoverage } from './test/coverage.mjs'
import { filesFor, heavyFirst, rememberTimes } from './test/files.mjs'
import { skippedSuites } from './test/missing.mjs'
import { Progress } from './test/progress.mjs'
import { runAll } from './test/run.mjs'

const { files, coverage } = filesFor(process.argv.slice(2))
if (files.length === 0) {
  console.error(`No test file for: ${process.argv.slice(2).join(' ')}`)
  process.exit(1)
}
compile()
const progress = new Progress(files)
const skipped = skippedSuites(files)
for (const result of skipped) progress.ended(result)
const left = files.filter((file) => !skipped.some((result) => result.file === file))
const results = await runAll(heavyFirst(left), { coverage, started: (file) => progress.started(file), ended: (result) => progress.ended(result) })
rememberTimes(results)
const covered = !coverage || await reportCoverage()
const failed = progress.summary()
process.exitCode = failed || !covered ? 1 : 0
