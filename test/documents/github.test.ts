import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseDocument } from 'yaml'
import { readText } from '../support/documents.js'
import { root } from '../support/root.js'

// GitHub shows no form, and starts no workflow, that it cannot read; and tells nobody.

const FOLDER = '.github/ISSUE_TEMPLATE'
const { scripts, repository } = JSON.parse(readText('package.json')) as { scripts: Record<string, string>, repository: { url: string } }
const home = repository.url.replace(/^git\+|\.git$/g, '')

const files = readdirSync(join(root, '.github'), { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file)).map((file) => `.github/${file}`)
const workflows = files.filter((file) => file.startsWith('.github/workflows/'))
const forms = files.filter((file) => file.startsWith(`${FOLDER}/`) && !file.endsWith('/config.yml'))

/** Throws for what is no YAML of one document, or names a key twice. */
function read<T> (file: string): T {
  const document = parseDocument(readText(file), { strict: true, uniqueKeys: true })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) throw problem
  return document.toJS() as T
}

interface Field {
  readonly type: string
  readonly id?: string
  readonly attributes?: { readonly label?: unknown, readonly value?: unknown, readonly options?: unknown }
  readonly validations?: { readonly required?: unknown }
}
interface Form { readonly name?: unknown, readonly description?: unknown, readonly body?: readonly Field[] }
interface Workflow {
  readonly permissions?: unknown
  readonly jobs: Record<string, { readonly uses?: string, readonly 'timeout-minutes'?: number, readonly steps?: ReadonlyArray<{ readonly uses?: string, readonly run?: string }> }>
}

/** By docs.github.com, "Syntax for GitHub's form schema". */
function problemsOf ({ name, description, body = [] }: Form): string[] {
  const filled = (value: unknown) => typeof value === 'string' && value.trim() !== ''
  const asked = body.filter(({ type }) => type !== 'markdown')
  const twice = (values: unknown[]) => new Set(values).size < values.length
  return [
    ...filled(name) ? [] : ['no name'],
    ...filled(description) ? [] : ['no description'],
    ...asked.length > 0 ? [] : ['asks nothing'],
    ...twice(asked.flatMap(({ id }) => id ?? [])) ? ['an id twice'] : [],
    ...twice(asked.map(({ attributes }) => attributes?.label)) ? ['a label twice'] : [],
    ...body.flatMap((field, index) => faultsOf(field).map((fault) => `body[${index}]: ${fault}`))
  ]

  function faultsOf ({ type, id, attributes = {}, validations = {} }: Field): string[] {
    if (type === 'markdown') return filled(attributes.value) ? [] : ['no value']
    const { options } = attributes
    return [
      ...['textarea', 'input', 'dropdown', 'checkboxes'].includes(type) ? [] : [`no type of a field: ${type}`],
      ...filled(attributes.label) ? [] : ['no label'],
      ...id === undefined || /^[\w-]+$/.test(id) ? [] : ['an id of other letters'],
      ...['undefined', 'boolean'].includes(typeof validations.required) ? [] : ['required is true or false'],
      ...type !== 'dropdown' || (Array.isArray(options) && options.length > 0 && options.every(filled) && !twice(options)) ? [] : ['options are missing, empty or there twice'],
      ...type !== 'checkboxes' || (Array.isArray(options) && options.length > 0 && options.every((option: { label?: unknown }) => filled(option?.label))) ? [] : ['options without a label']
    ]
  }
}

t.test('a form that GitHub would not show is found', async (t) => {
  const label = 'A question'
  const good: Form = { name: 'Form', description: 'about', body: [{ type: 'input', id: 'one', attributes: { label } }] }
  t.strictSame(problemsOf(good), [])
  const bad: Array<[Form, RegExp]> = [
    [{ ...good, name: '' }, /no name/],
    [{ name: 'Form', body: good.body! }, /no description/],
    [{ ...good, body: [{ type: 'markdown', attributes: { value: 'text' } }] }, /asks nothing/],
    [{ ...good, body: [...good.body!, { type: 'input', id: 'one', attributes: { label: 'Another' } }] }, /an id twice/],
    [{ ...good, body: [...good.body!, { type: 'input', attributes: { label } }] }, /a label twice/],
    [{ ...good, body: [{ type: 'text', attributes: { label } }] }, /no type of a field: text/],
    [{ ...good, body: [...good.body!, { type: 'markdown' }] }, /body\[1\]: no value/],
    [{ ...good, body: [{ type: 'dropdown', attributes: { label, options: [true] } }] }, /options/],
    [{ ...good, body: [{ type: 'checkboxes', attributes: { label, options: ['yes'] } }] }, /without a label/],
    [{ ...good, body: [{ type: 'input', attributes: { label }, validations: { required: 'yes' } }] }, /true or false/]
  ]
  for (const [form, problem] of bad) t.match(problemsOf(form).join(), problem)
})

t.test('every file for GitHub is YAML', async (t) => {
  t.ok(files.length > 5)
  for (const file of files) t.type(read<object>(file), 'object', file)
})

t.test('every issue form has what GitHub requires of one', async (t) => {
  t.strictSame(forms.map((file) => file.slice(FOLDER.length + 1)).sort(), ['bug.yml', 'feature.yml', 'question.yml'])
  for (const file of forms) t.strictSame(problemsOf(read<Form>(file)), [], file)
})

t.test('a vulnerability is reported in private, where SECURITY.md says', async (t) => {
  const config = read<{ blank_issues_enabled: boolean, contact_links: ReadonlyArray<Record<string, string>> }>(`${FOLDER}/config.yml`)
  t.equal(config.blank_issues_enabled, false)
  for (const link of config.contact_links) t.strictSame(Object.keys(link).sort(), ['about', 'name', 'url'])
  const { url = '' } = config.contact_links.find(({ name = '' }) => /vulnerability/i.test(name)) ?? {}
  t.equal(url, `${home}/security/advisories/new`)
  t.ok(readText('SECURITY.md').includes(`<${url}>`))
})

t.test('every step of a workflow is pinned, ends in time, and names scripts that exist', async (t) => {
  t.ok(workflows.length > 2)
  for (const file of workflows) {
    const { permissions, jobs } = read<Workflow>(file)
    t.strictSame(permissions, { contents: 'read' }, `${file}: more is for the job that needs it`)
    const own = Object.values(jobs).filter(({ uses }) => uses === undefined)
    t.strictSame(own.filter((job) => job['timeout-minutes'] === undefined), [], file)
    const steps = own.flatMap(({ steps = [] }) => steps)
    t.strictSame(steps.flatMap(({ uses = 'o/r@'.padEnd(44, '0') }) => /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(uses) ? [] : uses), [], file)
    const named = steps.flatMap(({ run = '' }) => [...run.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? ''))
    t.strictSame(named.filter((name) => !Object.hasOwn(scripts, name)), [], file)
  }
})

t.test('Dependabot looks at every folder with a lock file, except the benchmarks, which hold what was measured', async (t) => {
  const { updates } = read<{ updates: ReadonlyArray<{ 'package-ecosystem': string, directory?: string, directories?: readonly string[] }> }>('.github/dependabot.yml')
  const watched = updates.filter((update) => update['package-ecosystem'] === 'npm').flatMap(({ directory = [], directories = [] }) => [directory, directories].flat())
  t.strictSame([...watched, '/benchmarks'].sort(), locked('').map((folder) => folder || '/').sort())
})

/** The folders with a lock file of npm. */
function locked (folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  const inner = entries.filter((entry) => entry.isDirectory() && !/^(?:\.|node_modules$)/.test(entry.name)).flatMap(({ name }) => locked(`${folder}/${name}`))
  return entries.some(({ name }) => name === 'package-lock.json') ? [folder, ...inner] : inner
}
