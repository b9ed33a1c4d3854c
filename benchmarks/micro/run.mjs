import { compile } from '../../scripts/test/compile.mjs'
import { time } from './bench.mjs'

compile()
const { blocks } = await import('./blocks.mjs')

// `npm run bench:micro -- seal open` runs the groups whose name begins with one of the words.
const wanted = process.argv.slice(2)
console.log(`Node ${process.version}; nanoseconds per operation, median (least) of the batches\n`)
for (const { group, load } of blocks) {
  if (wanted.length > 0 && !wanted.some((word) => group.startsWith(word))) continue
  console.log(group)
  try {
    for (const [name, work] of Object.entries(await load())) {
      const { nanos, least } = time(name, work)
      console.log(`  ${name.padEnd(58)} ${nanos.toFixed(0).padStart(8)}  (${least.toFixed(0)})`)
    }
  } catch (error) {
    console.log(`  not measured: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  }
}
