import { readFileSync } from 'node:fs'
import { targets } from './src/markdown.mjs'

// `npm run bench:targets -- results/2026-11-21.json` says which targets a result meets.
const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('npm run bench:targets -- <result>.json')
console.log(targets(JSON.parse(readFileSync(file, 'utf8'))).join('\n').trim() || 'There is nothing to compare in this result.')
