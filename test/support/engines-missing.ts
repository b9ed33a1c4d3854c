// Prints which of the engines that it is asked for have no server here at all, and why: for the runner.
import { serversOf } from './engine.js'

const asked = process.argv.slice(2)

async function reasonsOf (engine: string): Promise<Array<string | undefined>> {
  return (await serversOf(engine)).map(([, { missing }]) => missing?.())
}

const missing = await Promise.all(asked.map(async (engine) => {
  const reasons = await reasonsOf(engine)
  return reasons.length === 0 || reasons.includes(undefined) ? [] : [[engine, [...new Set(reasons)].join('; ')]]
}))
console.log(JSON.stringify(Object.fromEntries(missing.flat())))
