// The API reference, written to docs-api/ or the given folder. A warning of TypeDoc is an error here, so the reference cannot rot.
import { join } from 'node:path'
import { Application, Converter, ReflectionKind } from 'typedoc'
import { exported as names, manifest, root } from './entries.mjs'

const app = await Application.bootstrapWithPlugins({
  name: manifest.name,
  entryPoints: [...names.keys()].map((path) => join(root, `${path}.ts`)),
  // It documents the types that exported ones refer to.
  plugin: ['typedoc-plugin-missing-exports'],
  basePath: root,
  displayBasePath: root,
  tsconfig: join(root, 'tsconfig.build.json'),
  readme: 'none',
  out: process.argv[2] ?? join(root, 'docs-api'),
  includeVersion: true,
  excludeExternals: true,
  disableGit: true,
  sourceLinkTemplate: `${manifest.homepage.replace('#readme', '')}/blob/v${manifest.version}/{path}#L{line}`,
  // npm run typecheck names errors of types.
  skipErrorChecking: true,
  treatWarningsAsErrors: true
})

// A module is called as it is imported, and not by its file.
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    module.name = names.get(module.name) ?? names.get(`${module.name}/index`) ?? module.name
  }
})

const project = await app.convert()
if (project === undefined) throw new Error('TypeDoc could not read the sources')
app.validate(project)
for (const exported of (project.children ?? []).flatMap(({ children = [] }) => children)) {
  const described = exported.isReference() || exported.kindOf(ReflectionKind.Module) || exported.hasComment() || exported.signatures?.some((signature) => signature.hasComment())
  if (!described) app.logger.warn(`${exported.getFullName()} has no comment that says what it is`)
}
await app.generateOutputs(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1
