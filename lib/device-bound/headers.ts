import type { FastifyRequest } from 'fastify'
import type { Algorithm } from '../record/device.js'

/** Structured fields (RFC 9651) of `w3c/webappsec-dbsc`. Chromium sends bare what the draft wants quoted. */
export const REGISTRATION = 'secure-session-registration'
export const CHALLENGE = 'secure-session-challenge'
export const RESPONSE = 'secure-session-response'
export const SESSION_ID = 'sec-secure-session-id'
export const SKIPPED = 'secure-session-skipped'
const SKIPS = ['unreachable', 'server_error', 'quota_exceeded'] as const

/** Offers a binding: where to register, and what to sign. There is no id in it. */
export function registrationHeader (algorithms: readonly Algorithm[], path: string, challenge: string): string {
  return `(${algorithms.join(' ')});path="${path}";challenge="${challenge}"`
}

/** Browsers pass over a challenge without the id. */
export function challengeHeader (challenge: string, id: string): string {
  return `"${challenge}";id="${id}"`
}

/** The text of a header, quoted or bare, without parameters. `null`: there is none. */
export function textOf ({ headers }: Pick<FastifyRequest, 'headers'>, name: string): string | null {
  const value = headers[name]
  if (typeof value !== 'string') return null
  return (/^\s*"([^"\\]*)"/.exec(value)?.[1] ?? value.split(';', 1).join()).trim()
}

/** Why the browser says that it has not refreshed. Only words that the draft has: anybody can send others. */
export function skipsIn (headers: FastifyRequest['headers']): readonly string[] {
  const value = [headers[SKIPPED] ?? []].flat().join()
  return SKIPS.filter((skip) => new RegExp(`(?:^|,)\\s*${skip}\\b`).test(value))
}
