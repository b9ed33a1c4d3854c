import { readdirSync } from 'node:fs'

// Every test may cover every file of the package, and nothing else counts: not the examples, which run in processes of their own.
const files = readdirSync('lib', { recursive: true }).filter((file) => file.endsWith('.ts')).map((file) => `lib/${file}`)

export default () => files
