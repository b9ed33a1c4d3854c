import { availableParallelism } from 'node:os'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { runWorker } from '../../support/file-process.js'
import { pad } from '../../support/file-worker.js'
import { scratch } from '../../support/file-scene.js'
import { later } from '../../support/store-cases.js'

t.test('R-17 a process killed at 40 random moments loses nothing it acknowledged, and mixes nothing', async (t) => {
  const kills = 40
  let left = kills
  const numbers: number[] = []
  const killAgain = async (): Promise<void> => {
    while (left-- > 0) {
      const directory = scratch(t)
      const store = fileStore({ directory, lockTimeout: 5 })
      await store.create('kept', pad(0), later())
      const { signal, output } = await runWorker([directory, 'count'], Math.random() * 40)
      if (signal !== 'SIGKILL') t.fail(`ended by ${signal}`)
      const acknowledged = Number(output.trimEnd().split('\n').at(-1))
      const found = await store.load('kept') ?? ''
      const number = Number(found.split(' ')[0])
      if (found !== pad(number)) t.fail(`mixed: ${found.slice(0, 20)}`)
      if (number !== acknowledged && number !== acknowledged + 1) t.fail(`${number} is there, ${acknowledged} was acknowledged`)
      if (await store.replace('kept', found, 'next', later()) !== 'replaced') t.fail('stuck')
      numbers.push(number)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, killAgain))
  t.equal(numbers.length, kills)
  t.ok(Math.max(...numbers) > 3, `up to ${Math.max(...numbers)} writes before the kill`)
})

for (const [operation, clocks] of [['race', ''], ['clocks', ', while their clocks are set forth and back']] as const) {
  t.test(`two processes that add to one record lose no addition${clocks}`, async (t) => {
    const directory = scratch(t)
    const store = fileStore({ directory })
    await store.create('kept', '0', later(86_400_000))
    const outcomes = await Promise.all([runWorker([directory, operation]), runWorker([directory, operation])])
    t.same(outcomes.map(({ code }) => code), [0, 0])
    t.equal(await store.load('kept'), '400')
  })
}
