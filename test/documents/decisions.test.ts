import t from 'tap'
import { readText } from '../support/documents.js'

t.test('the decisions are numbered, upwards and each number once', async (t) => {
  const numbers = [...readText('docs/decisions.md').matchAll(/^## (.*)$/gm)].map(([, title = '']) => Number(/^(\d+)\. /.exec(title)?.[1]))
  t.ok(numbers.length > 10)
  t.strictSame(numbers, [...new Set(numbers)].sort((one, other) => one - other))
})
