// The rules of the architecture, as pure functions from the sources to complaints. They judge by
// paths, import lines and words. Which doors, entry points and exceptions there are, the tables in
// `test/architecture.test.ts` say.

import { posix } from 'node:path'
import {
  functionsOf,
  type Import,
  lineAt,
  type Piece,
  type SourceFile,
  type SourceTree,
  type TextFile,
} from './source-tree.ts'

const { basename, dirname, matchesGlob, normalize } = posix

/** What is allowed where. Globs are over paths from the root. */
export interface Tables {
  /** The files that may import a package. Tests and load tests may import any. */
  readonly doors: Readonly<Record<string, readonly string[]>>
  /** The files that run though no source and no command names them. */
  readonly entryPoints: readonly string[]
  readonly exceptions: readonly Exception[]
}

/** What one rule leaves alone. A row excuses its files for one thing only. */
export interface Exception {
  readonly rule: RuleNumber
  /** A glob of the files. */
  readonly path: string
  /** A glob of the thing: an imported file or package, or the word that the rule is about. */
  readonly about: string
  readonly because: string
}

/** The rules in the order of the contract. */
export type RuleNumber = keyof typeof RULES

const RULES = {
  1: wireComplaints,
  2: directionComplaints,
  3: purityComplaints,
  4: doorComplaints,
  5: configComplaints,
  6: formComplaints,
  7: orphanComplaints,
} as const satisfies Record<number, (tree: SourceTree, tables: Tables) => readonly Complaint[]>

interface Complaint {
  readonly file: SourceFile
  readonly offset: number
  /** What an exception can excuse; `type ` stands before it where an import names types only. */
  readonly about: string
  readonly says: string
}

/** Applies one rule, less its exceptions. A complaint reads `path:line rule n: what is wrong`. */
export function complaintsOf(rule: RuleNumber, tree: SourceTree, tables: Tables): string[] {
  const exceptions = tables.exceptions.filter((row) => row.rule === rule)
  const isExcused = ({ file, about }: Complaint): boolean =>
    exceptions.some((row) => matchesGlob(file.path, row.path) && matchesGlob(about, row.about))
  return RULES[rule](tree, tables)
    .filter((found) => !isExcused(found))
    .toSorted((a, b) => a.file.path.localeCompare(b.file.path, 'en') || a.offset - b.offset)
    .map(({ file, offset, says }) => {
      return `${file.path}:${lineAt(file.text, offset)} rule ${rule}: ${says}`
    })
}

/** What the gateway may know of the regions. */
const REGION_API =
  'regional-worker/wire/{region-api,frames,load-report,identity,error-codes,version}.ts'

function wireComplaints({ sources }: SourceTree): Complaint[] {
  return importsIn(sources).flatMap(({ file, imported, target, complain }) => {
    const ofWire = inFolder(file.path, 'regional-worker/wire')
    const toWire = inFolder(target, 'regional-worker/wire')
    if (toWire && !ofWire && imported.specifier.startsWith('.')) {
      return complain('reaches into the wire by a relative path, not by #wire/')
    }
    if (isTest(file.path)) return []
    if (ofWire && !toWire && !imported.specifier.startsWith('node:')) {
      return complain(`imports ${imported.specifier} into the wire`)
    }
    if (inFolder(file.path, 'gateway') && inFolder(target, 'regional-worker')) {
      return matchesGlob(target, REGION_API) ? [] : complain(`imports ${target} of the region`)
    }
    return []
  })
}

function directionComplaints({ sources }: SourceTree): Complaint[] {
  return importsIn(sources).flatMap(({ file, target, complain }) => {
    if (isTest(file.path)) return []
    const [side, otherSide] = [sideOf(file.path), sideOf(target)]
    if (side !== undefined && otherSide !== undefined && side !== otherSide) {
      return complain(`the ${side} imports ${target}, which is of the ${otherSide}`)
    }
    if (rankOf(target) === RANK_OF_MAIN) return complain(`imports ${target}, which is a process`)
    if (!inFolder(file.path, 'gateway') || !inFolder(target, 'gateway')) return []
    if (sources.get(target)?.pure !== false) return []
    const [station, other] = [stationOf(file.path), stationOf(target)]
    if (station === undefined) {
      return rankOf(target) > rankOf(file.path) ? complain(`goes back to ${target}`) : []
    }
    if (other === undefined) return complain(`goes back from ${station} to ${target}`)
    if (file.pure || station === other) return []
    return complain(`${station} imports ${target}, an edge of ${other}`)
  })
}

const RANK_OF_MAIN = 4

/** Says who joins whom: a file may import its own rank and those below. */
function rankOf(path: string): number {
  if (basename(path) === 'main.ts') return RANK_OF_MAIN
  if (path === 'gateway/app.ts') return 3
  if (path === 'gateway/routes.ts') return 2
  return matchesGlob(path, 'gateway/handle-*.ts') ? 1 : 0
}

function sideOf(path: string): string | undefined {
  return /^regional-worker\/(ingress|worker)\//.exec(path)?.[1]
}

function stationOf(path: string): string | undefined {
  return /^gateway\/([^/]+)\//.exec(path)?.[1]
}

/** Built-ins without I/O, and what a pure file may take of those that are not without it. */
const PURE_BUILTINS: Readonly<Record<string, 'any' | readonly string[]>> = {
  'node:assert': 'any',
  'node:assert/strict': 'any',
  'node:buffer': 'any',
  'node:crypto': ['createHash', 'createHmac', 'hash', 'timingSafeEqual'],
  'node:http': ['STATUS_CODES'],
  'node:net': ['BlockList', 'SocketAddress', 'isIP', 'isIPv4', 'isIPv6'],
  'node:path': 'any',
  'node:querystring': 'any',
  'node:string_decoder': 'any',
  'node:url': 'any',
  'node:util': 'any',
}

const IMPURE = new RegExp(
  [
    /(?<![.\w$])(?:Date\b(?!\??:)|Math\.random\b|performance\.|process(?:\?\.|[.[]))/,
    /(?<![.\w$])(?:(?:set|clear)(?:Timeout|Interval|Immediate)|queueMicrotask|fetch)\b/,
    /(?<![.\w$])(?:console\.|crypto\.random|crypto\.getRandom|globalThis\b)/,
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
)

function purityComplaints({ sources }: SourceTree): Complaint[] {
  const pure = [...sources.values()].filter((file) => file.pure)
  const used = pure.flatMap((file) =>
    [...file.code.matchAll(IMPURE)].map(({ index, 0: word }) =>
      complaint(file, index, word, `a pure file uses ${word.replace(/\W+$/, '')}`),
    ),
  )
  const imported = importsIn(sources).flatMap(({ file, imported, target, complain }) => {
    if (!file.pure || isPureImport(imported, sources.get(target))) return []
    return complain(`a pure file imports ${imported.specifier}, which is not pure`)
  })
  return [...used, ...imported]
}

function isPureImport(imported: Import, target: SourceFile | undefined): boolean {
  if (imported.specifier.startsWith('#wire/')) return true
  if (imported.target !== undefined) return target?.pure ?? true // Data is pure.
  if (imported.typeOnly) return imported.packageName === undefined
  const allowed = PURE_BUILTINS[imported.specifier] ?? []
  if (allowed === 'any') return true
  return imported.names.length > 0 && imported.names.every((name) => allowed.includes(name))
}

function doorComplaints({ sources }: SourceTree, { doors }: Tables): Complaint[] {
  return importsIn(sources).flatMap(({ file, imported: { packageName }, target, complain }) => {
    if (isTest(file.path)) return []
    if (isTest(target)) return complain(`imports ${target}, which is for tests`)
    if (inFolder(target, 'deploy') && !inFolder(file.path, 'deploy')) {
      return complain(`imports ${target}, which only starts the others`)
    }
    if (packageName === undefined) return []
    const globs = doors[packageName]
    if (globs === undefined) return complain(`imports ${packageName}, which has no door`)
    if (globs.some((door) => matchesGlob(file.path, door))) return []
    return complain(`imports ${packageName} beside its doors (${globs.join(', ') || 'none'})`)
  })
}

function configComplaints(tree: SourceTree): Complaint[] {
  return [...tree.sources.values()]
    .filter((file) => !isTest(file.path))
    .flatMap((file) => [
      ...(isConfig(file) ? variableComplaints(file, tree) : environmentComplaints(file)),
      ...errorCodeComplaints(file, tree),
    ])
}

function environmentComplaints(file: SourceFile): Complaint[] {
  const reads = file.code.matchAll(/(?<![.\w$])process\??\.env\b|\}\s*=\s*process\b/g)
  const imports = file.imports.filter(({ specifier }) => specifier === 'node:process')
  return [
    ...[...reads].map(({ index }) => index),
    ...imports.filter(({ names }) => names.includes('env')).map(({ offset }) => offset),
  ].map((offset) => complaint(file, offset, 'process.env', 'reads process.env'))
}

function variableComplaints(file: SourceFile, tree: SourceTree): Complaint[] {
  const [folder = ''] = file.path.split('/')
  if (folder !== 'gateway' && folder !== 'regional-worker') return []
  const readme = `${folder}/README.md`
  const rows = rowsOf(readme, tree)
  const examples = tree.texts
    .filter(({ path }) => basename(path) === '.env.example')
    .flatMap(({ text }) => [...text.matchAll(/^#? ?(\w+)=/gm)].map(([, name]) => name))
  return variablesOf(file).flatMap(({ offset, value }) => {
    const missing = (where: string) => complaint(file, offset, value, `${value} ${where}`)
    return [
      ...(examples.includes(value) ? [] : [missing('is not in .env.example')]),
      ...(rows.has(value) ? [] : [missing(`has no row in ${readme}`)]),
    ]
  })
}

/** Finds each variable once: parsers take names as strings, as in `integer('GATEWAY_PORT', …)`. */
function variablesOf({ path, code, literals }: SourceFile): readonly Piece[] {
  const named = literals.filter(
    ({ offset }) => basename(path) === 'config.ts' || /\benv\['$/.test(code.slice(0, offset)),
  )
  const dotted = [...code.matchAll(/\benv\.(\w+)/g)].map((match) => ({
    offset: match.index,
    value: match[1] ?? '',
  }))
  return [...named, ...dotted]
    .filter(({ value }) => /^[A-Z][A-Z0-9_]{2,}$/.test(value))
    .filter(({ value }, at, found) => found.findIndex((it) => it.value === value) === at)
}

function errorCodeComplaints(file: SourceFile, tree: SourceTree): Complaint[] {
  if (!/^gateway\/errors\.ts$|^regional-worker\/wire\/error-codes\.ts$/.test(file.path)) return []
  const readme = `${file.path.split('/')[0]}/README.md`
  const rows = rowsOf(readme, tree)
  const table = /^(?:export )?const \w*ERRORS\b.* = \{\n[\s\S]*?^\}/m.exec(file.code)
  if (table === null) return [complaint(file, 0, 'ERRORS', 'has no table `const …ERRORS = {`')]
  const keys = [...table[0].matchAll(/^ {2}(?:\w+|'[^']*'): /gm)].map((match) => {
    const offset = table.index + match.index
    return { offset, code: /[\w-]+/.exec(file.text.slice(offset))?.[0] ?? '' }
  })
  return keys
    .filter(({ code }) => !rows.has(code))
    .map(({ offset, code }) => complaint(file, offset, code, `${code} has no row in ${readme}`))
}

/** Everything between backticks in the tables of a page. */
function rowsOf(path: string, { texts }: SourceTree): ReadonlySet<string> {
  const page = texts.find((text) => text.path === path)?.text ?? ''
  const rows = page.split('\n').filter((line) => line.startsWith('|'))
  return new Set(
    rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)),
  )
}

const FUNCTION_LINES_MAX = 70
const LINE_COLUMNS_MAX = 100
const EMPTY_NAMES = /(?:^|\/)(utils|common|helpers|shared|lib|types|misc|index)(?=[./])/

function formComplaints({ sources }: SourceTree): Complaint[] {
  return [...sources.values()].flatMap((file) => {
    const name = EMPTY_NAMES.exec(file.path)?.[1]
    return [
      ...(name === undefined ? [] : [complaint(file, 0, name, `is called ${name}`)]),
      ...lengthComplaints(file),
    ]
  })
}

/** A test's name is one sentence, and the formatter keeps it on the line where the test begins. */
const TEST_NAME = /^ *(?:await t\.)?test\(['"`].*['"`], (?:\{|async|\()/

function lengthComplaints(file: SourceFile): Complaint[] {
  const long = functionsOf(file)
    .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
    .map(({ offset, lines }) => ({ offset, says: `a function has ${lines} lines` }))
  const wide = [...file.text.matchAll(/^.+$/gm)]
    .filter(({ 0: line }) => !TEST_NAME.test(line))
    .map(({ index, 0: line }) => ({ offset: index, columns: [...line].length }))
    .filter(({ columns }) => columns > LINE_COLUMNS_MAX)
    .map(({ offset, columns }) => ({ offset, says: `a line has ${columns} columns` }))
  return [...long, ...wide].map(({ offset, says }) => complaint(file, offset, 'length', says))
}

function orphanComplaints(tree: SourceTree, { entryPoints }: Tables): Complaint[] {
  const files = [...tree.sources.values()]
  const tests = files.filter(({ path }) => isTest(path))
  const namedByTests = new Set(tests.flatMap(filesNamedIn))
  const named = new Set([
    ...files.filter(({ path }) => !isTest(path)).flatMap(filesNamedIn),
    ...tree.texts.flatMap(filesInCommands),
  ])
  const tested = new Set(
    tests
      .filter(({ path }) => path.includes('.test.'))
      .flatMap(({ imports }) => imports.map(({ target }) => target)),
  )
  return files.flatMap((file) => {
    const { path } = file
    const isEntry = entryPoints.some((glob) => matchesGlob(path, glob))
    const isUsed = named.has(path) || (isTest(path) && namedByTests.has(path))
    // What is started as a process cannot be imported: a test that starts it names its path.
    const isStarted = basename(path) === 'main.ts' || inFolder(path, 'deploy')
    const isTested = tested.has(path) || (isStarted && namedByTests.has(path))
    const needsTest = !isTest(path) && !/\.(?:config|d)\.[jt]s$/.test(path)
    return [
      ...(isEntry || isUsed ? [] : [complaint(file, 0, 'orphan', 'nothing imports or starts it')]),
      ...(isTested || !needsTest ? [] : [complaint(file, 0, 'untested', 'no test names it')]),
      ...leftoverComplaints(file),
    ]
  })
}

function leftoverComplaints(file: SourceFile): Complaint[] {
  const todos = file.comments.flatMap(({ offset, value }) =>
    [...value.matchAll(/\bTODO\b(?!\([\w-]+\): \S)/g)].map(({ index }) => offset + index),
  )
  const defaults = file.code.matchAll(/^export default\b|^export \{[^}]*\bas default\b/gm)
  return [
    ...todos.map((offset) => complaint(file, offset, 'TODO', 'a TODO has no name')),
    ...[...defaults].map(({ index }) =>
      complaint(file, index, 'default export', 'it has a default export'),
    ),
  ]
}

/** Lists the files that a source imports, or names by a path in a string. */
function filesNamedIn({ path, imports, literals }: SourceFile): string[] {
  const targets = imports.flatMap(({ target }) => target ?? [])
  // These rules, their tables and their examples name files to judge them, which uses nothing.
  if (/^test\/(?:support\/)?architecture/.test(path)) return targets
  const named = literals.flatMap(({ value }) => pathsIn(value, path))
  return [...targets, ...named].filter((name) => name !== path)
}

/** Lists the files that a manifest, script or page starts; prose only talks about a file. */
function filesInCommands({ path, text }: TextFile): string[] {
  if (!path.endsWith('.md')) return pathsIn(text, path)
  const commands = text.match(/\b(?:node|k6 run) [^`|\n]*/g) ?? []
  return commands.flatMap((command) => pathsIn(command, path))
}

/** Reads words that end like a source as paths from the root and as paths from the file. */
function pathsIn(text: string, path: string): string[] {
  const words = text.match(/[\w@./-]+\.[cm]?[jt]sx?\b/g) ?? []
  return words.flatMap((word) => [
    normalize(word).replace(/^\//, ''),
    normalize(`${dirname(path)}/${word}`),
  ])
}

interface ImportInFile {
  readonly file: SourceFile
  readonly imported: Import
  /** The imported file, or '' where it is none of this project. */
  readonly target: string
  /** Makes the one complaint that an import can give cause for. */
  readonly complain: (says: string) => Complaint[]
}

function importsIn(sources: SourceTree['sources']): ImportInFile[] {
  return [...sources.values()].flatMap((file) =>
    file.imports.map((imported) => {
      const { offset, specifier, target = '', packageName } = imported
      const about = (imported.typeOnly ? 'type ' : '') + (target || packageName || specifier)
      return { file, imported, target, complain: (says) => [complaint(file, offset, about, says)] }
    }),
  )
}

function complaint(file: SourceFile, offset: number, about: string, says: string): Complaint {
  return { file, offset, about, says }
}

function inFolder(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`)
}

function isTest(path: string): boolean {
  return inFolder(path, 'test') || inFolder(path, 'loadtest') || path.includes('.test.')
}

function isConfig({ path }: SourceFile): boolean {
  return /(?:^|\/)(?:config|main)\.ts$/.test(path)
}
