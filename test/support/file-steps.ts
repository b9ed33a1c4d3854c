import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Members = Record<string, (...args: unknown[]) => Promise<unknown>>

/**
 * Calls `hook` before each call to the file system that is made through promises, with its name and number, and waits for
 * it. What the hook throws, the call rejects with. Returns a function that ends it.
 */
export async function onEachStep (hook: (name: string, step: number) => void | Promise<void>): Promise<() => void> {
  const handle = await fs.promises.open(process.execPath)
  const handles = Object.getPrototypeOf(handle) as Members
  await handle.close()
  let step = 0
  const wrap = (members: Members, name: string) => {
    const original = members[name]!
    members[name] = async function (this: unknown, ...args) {
      await hook(name, step++)
      return original.apply(this, args)
    }
    return () => { members[name] = original }
  }
  const undo = [
    ...['open', 'link', 'readFile', 'rename', 'rm', 'stat', 'lstat', 'mkdir', 'readdir'].map((name) => wrap(fs.promises as unknown as Members, name)),
    ...['writeFile', 'readFile', 'stat', 'sync'].map((name) => wrap(handles, name))
  ]
  syncBuiltinESMExports()
  return () => {
    for (const restore of undo) restore()
    syncBuiltinESMExports()
  }
}
