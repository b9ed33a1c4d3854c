import { join } from 'node:path'
import ts from 'typescript'
import { readText } from './documents.js'

export interface Member {
  readonly name: string
  /** Its comment, on one line. */
  readonly doc: string
  readonly type: string
}

/** The members that an interface or a type of `types/` declares; of the interfaces that it extends, too, if they stand in the same file. */
export function membersOf (file: string, name: string): Member[] {
  const source = ts.createSourceFile(file, readText(join('types', file)), ts.ScriptTarget.ES2022, true)
  const declaration = source.statements.find((node): node is ts.InterfaceDeclaration | ts.TypeAliasDeclaration =>
    (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && node.name.text === name)
  if (declaration === undefined) throw new Error(`${file} has no ${name}`)
  const inherited = ts.isInterfaceDeclaration(declaration) ? (declaration.heritageClauses ?? []).flatMap(({ types }) => types) : []
  return [...inherited.flatMap(({ expression }) => membersOf(file, expression.getText())), ...own(declaration)]
}

function own (node: ts.Node): Member[] {
  if (ts.isPropertySignature(node) || ts.isMethodSignature(node)) return [{ name: node.name.getText(), doc: docOf(node), type: node.type?.getText() ?? '' }]
  const found: Member[] = []
  ts.forEachChild(node, (child) => { found.push(...own(child)) })
  return found
}

function docOf (node: ts.Node): string {
  return ts.getJSDocCommentsAndTags(node).map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' ').replace(/\s+/g, ' ')
}
