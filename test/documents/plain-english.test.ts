import t from 'tap'
import { documents, proseOf, readText } from '../support/documents.js'
import { readdirSync } from 'node:fs'

// Engineers of every mother tongue read these sentences, tired. A limit on their length, and on one way to begin them, keeps
// the worst away. The aim is 25 words.

const MOST_WORDS = 30
const sources = ['types', 'lib'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`))

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
    return /^(?:What|Who)(?:ever)?\b/.test(sentence) && !sentence.includes('?') ? [...long, `begins with a bare What or Who: ${sentence}`] : long
  })
}

/** The comments of a source, as Markdown. Lines of `//` that follow each other are one comment. */
function commentsOf (source: string): string {
  const blocks = [...source.matchAll(/\/\*\*(.*?)\*\//gs)].map(([, text = '']) => text.replace(/^\s*\* ?/gm, '').replace(/```.*?```/gs, ''))
  const lines = [...source.matchAll(/(?:^ *\/\/ .*\n)+|(?<=\S +)\/\/ .*$/gm)].map(([text]) => text.replace(/^ *\/\/ /gm, ''))
  return [...blocks, ...lines].join('\n\n')
}

t.test('a long sentence is found, and one that begins with a bare What or Who', async (t) => {
  t.strictSame(problemsOf('# What it is\n\nWho signs in is known. What is it? Yes.\n'), ['begins with a bare What or Who: Who signs in is known.'])
  t.equal(problemsOf(`One ${'word '.repeat(MOST_WORDS)}ends.\n\n| cell | ${'word '.repeat(MOST_WORDS)} |\n`).length, 1)
  t.strictSame(problemsOf('Whoever comes late waits.').length, 1)
  t.strictSame(problemsOf(`${'word '.repeat(30)}\n* ${'word '.repeat(30)}\n\n${'`a b c d e f g` '.repeat(20)}`), [])
})

t.test('every comment of a source is found', async (t) => {
  const source = ['/** One. */', '/**', ' * Two', ' * lines.', ' */', 'call() // three', '  // Four', '  // lines.', 'const url = \'https://five\'', ''].join('\n')
  t.strictSame(commentsOf(source).split(/\n\n/).map((text) => text.trim()), ['One.', 'Two\nlines.', 'three', 'Four\nlines.'])
})

for (const document of documents.filter((path) => path !== 'CHANGELOG.md')) {
  t.test(`${document} is in plain English`, async (t) => { t.strictSame(problemsOf(proseOf(document)), []) })
}

t.test('the comments of types/ and lib/ are in plain English', async (t) => {
  t.ok(sources.includes('types/options.ts') && sources.includes('lib/index.ts') && sources.includes('lib/request/save.ts'))
  t.strictSame(sources.flatMap((file) => problemsOf(commentsOf(readText(file))).map((problem) => `${file}: ${problem}`)), [])
})
