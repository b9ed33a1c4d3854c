import t from 'tap'
import { documents, proseOf, readText } from '../support/documents.js'
import { readdirSync } from 'node:fs'

// Engineers of every mother tongue read these sentences, tired. A limit on their length, and on one way to begin them, keeps
// the worst away. The aim is 25 words.

const MOST_WORDS = 40
const comments = [...readdirSync('types'), ...readdirSync('lib').filter((name) => name.endsWith('.ts')).map((name) => `../lib/${name}`)]
  .filter((name) => name.endsWith('.ts')).map((name) => `types/${name}`.replace('types/../', ''))

/** The sentences of a text of Markdown, without headings. A cell and an item of a list end one as a full stop does. */
function sentencesOf (markdown: string): string[] {
  const text = markdown
    .replace(/^#+ .*$/gm, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`[^`]*`/g, 'code')
    .replace(/\*\*/g, '')
  const parts = text.split(/\n{2,}|\n(?=\s*(?:[*-]|\d+\.) )|\s\|\s|\n\|/)
  return parts.flatMap((part) => part.replace(/^\s*(?:[*|-]|\d+\.)\s+/, '').replace(/\s+/g, ' ').split(/(?<=[.!?])["')]* (?=[A-Z"'(]|code)/)).map((sentence) => sentence.trim())
}

function problemsOf (markdown: string): string[] {
  return sentencesOf(markdown).flatMap((sentence) => {
    const words = sentence.split(' ').filter((word) => /\w/.test(word)).length
    const long = words > MOST_WORDS ? [`${words} words: ${sentence}`] : []
    return /^(?:What|Who)\b/.test(sentence) && !sentence.includes('?') ? [...long, `begins with a bare What or Who: ${sentence}`] : long
  })
}

/** The comments for whoever uses a file's exports, as Markdown. */
function docstringsOf (file: string): string {
  return [...readText(file).matchAll(/\/\*\*(.*?)\*\//gs)].map(([, text = '']) => text.replace(/^\s*\* ?/gm, '').replace(/```.*?```/gs, '')).join('\n\n')
}

t.test('a long sentence is found, and one that begins with a bare What or Who', async (t) => {
  t.strictSame(problemsOf('# What it is\n\nWho signs in is known. What is it? Yes.\n'), ['begins with a bare What or Who: Who signs in is known.'])
  t.equal(problemsOf(`One ${'word '.repeat(MOST_WORDS)}ends.\n\n| cell | ${'word '.repeat(MOST_WORDS)} |\n`).length, 1)
  t.strictSame(problemsOf(`${'word '.repeat(30)}\n* ${'word '.repeat(30)}\n\n${'`a b c d e f g` '.repeat(20)}`), [])
})

for (const document of documents.filter((path) => path !== 'CHANGELOG.md')) {
  t.test(`${document} is in plain English`, async (t) => { t.strictSame(problemsOf(proseOf(document)), []) })
}

t.test('the comments on what is exported are in plain English', async (t) => {
  t.ok(comments.includes('types/options.ts') && comments.includes('lib/index.ts'))
  t.strictSame(comments.flatMap((file) => problemsOf(docstringsOf(file)).map((problem) => `${file}: ${problem}`)), [])
})
