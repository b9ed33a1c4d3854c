import type { OldSystem } from '../options/adopt-option.js'
import { readCookie } from './cookie.js'

/** RFC 6265bis §5.6: no browser sends more. */
const LONGEST = 4096
const NONE: readonly never[] = Object.freeze([])

/** A cookie of a system that was here before. */
export interface OldCookie {
  readonly system: OldSystem
  /** Without quotes and percent-encoding. Several: none of them is believed. */
  readonly values: readonly string[]
}

interface Taken { readonly system: OldSystem, readonly value: string }

/** The old cookies of one request. */
export class OldCookies {
  /** `destroy()` takes them. */
  brought: readonly OldCookie[]
  /** The one whose session the request goes on with. */
  adopted: Taken | null = null
  /** The `Set-Cookie` lines that remove some, beside our own cookie. */
  removals: readonly string[] = NONE

  constructor (brought: readonly OldCookie[]) {
    this.brought = brought
  }

  /** All that were brought; they are taken once. */
  take (): readonly OldCookie[] {
    const { brought } = this
    this.brought = NONE
    return brought
  }

  /** The session behind the adopted one cannot be used. The name of the cookie. */
  refuse (): string {
    const { system } = this.adopted as Taken
    this.adopted = null
    return system.cookie.name
  }

  /** The response removes them. */
  remove (lines: readonly string[]): void {
    this.adopted = null
    this.removals = [...this.removals, ...lines]
  }
}

/** The cookie of `system` in a `Cookie` header, if there is one. */
export function readOldCookie (header: string | undefined, system: OldSystem): OldCookie | null {
  const brought = readCookie(header, system.cookie.name)
  if (brought === null) return null
  const values = [brought].flat().map(plain).filter((value) => value !== '' && value.length <= LONGEST)
  return values.length === 0 ? null : { system, values: [...new Set(values)] }
}

/** As parsers of cookies have it, so that each value has one form: a second one would be a second session. */
function plain (value: string): string {
  const bare = /^"(.*)"$/.exec(value)?.[1] ?? value
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}
