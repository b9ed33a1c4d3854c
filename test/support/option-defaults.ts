import { readOptions } from '../../lib/options/options.js'
import { parseSecrets } from '../../lib/tokens/secrets.js'
import { schema } from './app.js'

const settings = readOptions({ schema }, false)

/** What the code does when an option is left out, as the documents put it. */
export const optionDefaults: Readonly<Record<string, string>> = {
  schema: throws(() => readOptions({}, false)) ? 'required' : 'none',
  secret: throws(() => parseSecrets(undefined)) ? 'required' : 'none',
  store: none(settings.store),
  name: literal(settings.name),
  application: literal(settings.application),
  initial: settings.initial === undefined ? '{} decoded' : literal(settings.initial),
  cookie: 'see below',
  idleTimeout: seconds(settings.idle.usual),
  absoluteTimeout: seconds(settings.absolute.usual),
  timeouts: presetLimits() ? 'a preset' : 'none',
  touchAfter: settings.touchAfter === settings.idle.usual / 10 ? 'a tenth of idleTimeout' : seconds(settings.touchAfter),
  rotateOn: literal(settings.rotateOn),
  rotateEvery: settings.rotateEvery === 0 ? 'off' : seconds(settings.rotateEvery),
  rotationGrace: seconds(settings.grace),
  subject: settings.subject === null ? 'none' : 'a function',
  describe: settings.describe === null ? 'nothing' : 'a function',
  maxPerSubject: settings.maxPerSubject === 0 ? 'no limit' : literal(settings.maxPerSubject),
  overLimit: literal(settings.overLimit),
  revocations: none(settings.revocations),
  revocationStaleness: seconds(settings.revocationStaleness),
  merge: Object.keys(settings.merge).length === 0 ? 'ours wins' : literal(settings.merge),
  version: literal(settings.version),
  migrate: none(Object.keys(settings.migrate)[0]),
  onInvalid: literal(settings.onInvalid),
  undeclaredKeys: literal(settings.undeclaredKeys),
  storeTimeout: seconds(settings.storeTimeout),
  maxSize: literal(settings.maxSize),
  sweepEvery: seconds(settings.sweepEvery),
  onStoreError: literal(settings.onStoreError),
  adopt: none(settings.adopt[0]),
  hooks: none(Object.keys(settings.hooks)[0])
}

const { policy } = settings.cookie

export const cookieDefaults: Readonly<Record<string, string>> = {
  name: policy.name,
  path: policy.path,
  domain: none(policy.domain),
  sameSite: literal(policy.sameSite),
  secure: literal(policy.secure),
  partitioned: literal(policy.partitioned),
  priority: none(policy.priority),
  persistent: literal(policy.persistent)
}

function literal (value: unknown): string {
  return JSON.stringify(value).replaceAll('"', "'")
}

function none (value: unknown): string {
  return value === undefined || value === null ? 'none' : literal(value)
}

function seconds (milliseconds: number): string {
  return literal(milliseconds / 1000)
}

function throws (run: () => unknown): boolean {
  try {
    run()
    return false
  } catch {
    return true
  }
}

/** A preset refuses timeouts that are longer than its own. */
function presetLimits (): boolean {
  return throws(() => readOptions({ schema, idleTimeout: 400 * 86_400, absoluteTimeout: 400 * 86_400 }, false))
}
