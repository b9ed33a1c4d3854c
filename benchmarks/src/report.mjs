import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { statisticsOf } from './campaign.mjs'
import { RATE } from './load-at-rate.mjs'
import { processorModel, shortProcessorName } from './processor.mjs'
import { bareOf } from './subjects/index.mjs'

/**
 * @typedef {ReturnType<typeof statisticsOf>} Figures
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {'floor' | 'yardstick' | 'peer' | 'ours'} group
 * @property {'none' | 'cookie' | 'memory' | 'redis'} backend
 * @property {string} bare id of the bare server that it is divided by
 * @property {string} [seal] how a session in the cookie is protected
 * @property {string} [unavailable]
 * @property {number} cookieBytes
 * @property {Record<string, number>} setCookieBytes
 * @property {string[]} remarks
 * @property {Record<string, Figures>} cases in the closed loop
 * @property {Record<string, Figures>} fixed the cases at the fixed rate
 *
 * @typedef {{ about: Record<string, any>, rows: Row[] }} Report
 */

/** @param {string} root @param {string[]} args */
const git = (root, ...args) => {
  try { return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() } catch { return 'unknown' }
}

const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** What a figure means nothing without. @param {string} root @param {{ rounds: number, seconds: number }} options @param {readonly number[]} loadBefore */
export function about (root, { rounds, seconds }, loadBefore) {
  return {
    date: new Date().toISOString(),
    commit: git(root, 'rev-parse', '--short', 'HEAD'),
    uncommitted: git(root, 'status', '--porcelain', '--', 'lib', 'types') !== '',
    node: process.version,
    processor: shortProcessorName(processorModel()),
    machine: `${processorModel()} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    loadAverageBefore: loadBefore.map((n) => Number(n.toFixed(2))),
    loadAverageAfter: loadavg().map((n) => Number(n.toFixed(2))),
    rounds,
    seconds,
    rate: RATE,
    versions: dependencies
  }
}

/** @param {readonly import('./campaign.mjs').Entrant[]} entrants @param {Map<string, import('./campaign.mjs').Verdict>} verdicts @returns {Row[]} */
export function rowsOf (entrants, verdicts) {
  return entrants.map(({ id, subject }) => {
    const verdict = verdicts.get(id)
    if (verdict === undefined) throw new Error(`no verdict on ${id}`)
    const { rounds, ...facts } = verdict
    const figures = (/** @type {Record<string, import('./campaign.mjs').Round[]>} */ ofWay) => Object.fromEntries(Object.entries(ofWay).map(([name, taken]) => [name, statisticsOf(taken)]))
    return {
      id,
      title: subject.title + (id === subject.id ? '' : ` [${id.split(':')[0]}]`),
      group: subject.group,
      backend: subject.backend,
      bare: bareOf(subject),
      ...(subject.seal !== undefined && { seal: subject.seal }),
      ...facts,
      cases: figures(rounds.closed),
      fixed: figures(rounds.fixed)
    }
  })
}

const bareNames = /** @type {Record<string, string>} */ ({ express: 'bare Express', 'remix-bare': 'the bare Remix router' })

/** Says what it was divided by, if that is not bare Fastify. @param {Row} row */
export const titleOf = ({ title, bare }) => bare in bareNames ? `${title} (÷ ${bareNames[bare]})` : title
