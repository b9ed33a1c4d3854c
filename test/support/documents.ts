import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.js'

/** Every document of the project, by its path. */
export const documents: readonly string[] = ['.', 'docs', 'docs/guides', 'benchmarks', 'examples'].flatMap((folder) =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith('.md')).map((name) => join(folder, name)))

export interface Block {
  readonly document: string
  /** Of the first line of the code, counted from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
}

export interface Table {
  /** The heading above it. */
  readonly section: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function readText (path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** The fenced blocks of a document. Indented ones, in lists, too. */
export function blocksOf (document: string): Block[] {
  const text = readText(document)
  return [...text.matchAll(/^ *```(?<language>[^\n`]*)\n(?<code>.*?)^ *```$/gms)].map(({ index, groups = {} }) => ({
    document,
    line: text.slice(0, index).split('\n').length + 1,
    language: groups.language ?? '',
    code: groups.code ?? ''
  }))
}

/** A document without its fenced blocks. */
export function proseOf (document: string): string {
  return readText(document).replace(/^ *```.*?^ *```$/gms, '')
}

export function tablesOf (document: string): Table[] {
  const text = proseOf(document)
  return [...text.matchAll(/^(?:\|.*\|\n)+/gm)].map(({ 0: table, index }) => {
    const [header = [], , ...rows] = table.trimEnd().split('\n').map(cellsOf)
    return { section: [...text.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '', header, rows }
  })
}

/** The table under a heading whose first column is called so. */
export function tableOf (document: string, section: string, column: string): Table {
  const found = tablesOf(document).filter((table) => table.section === section && table.header[0] === column)
  if (found.length !== 1) throw new Error(`${document} has ${found.length} tables of "${column}" under "${section}"`)
  return found[0] as Table
}

/** What stands in backticks, in text without fenced blocks. */
export function codeIn (text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

function cellsOf (line: string): string[] {
  return line.replace(/^\| ?|\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim())
}
