// Reads the project's own files once and tells what the rules of the architecture ask about: what
// a file imports, what it says in strings and comments, how long its functions are. It is a scanner
// and not a parser: Biome's formatting makes line ends and indentation reliable, and the forms that
// would fool it (a regular expression right after `)`, quotes in the text of JSX) cost at most the
// rest of their line.

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** A file of the project; `path` is relative to the root, with `/` between its parts. */
export interface TextFile {
  readonly path: string
  readonly text: string
}

/** A part of a text that is no code; `offset` is where `value` begins. */
export interface Piece {
  readonly offset: number
  readonly value: string
}

/** One `import`, `export … from`, `import('…')` or `require('…')` with a literal specifier. */
export interface Import {
  readonly offset: number
  readonly specifier: string
  /** What is named between the braces, without `type` and before `as`; empty for other forms. */
  readonly names: readonly string[]
  /** Whether it names types only, by `import type` or by `type` before each name. */
  readonly typeOnly: boolean
  /** The file of this project that is meant, whether it exists or not; `undefined` otherwise. */
  readonly target: string | undefined
  /** The npm package that is meant, without a path in it; `undefined` otherwise. */
  readonly packageName: string | undefined
}

/** A TypeScript or JavaScript file with what the scanner found in it. */
export interface SourceFile extends TextFile {
  /** The text with blanks for comments and for the insides of strings, at unchanged offsets. */
  readonly code: string
  /** The insides of strings and the fixed parts of templates, escapes as they are written. */
  readonly literals: readonly Piece[]
  readonly comments: readonly Piece[]
  readonly imports: readonly Import[]
  /** Whether the first line is `// pure`. */
  readonly pure: boolean
}

/** What the rules judge. */
export interface SourceTree {
  /** TypeScript and JavaScript, by path. */
  readonly sources: ReadonlyMap<string, SourceFile>
  /** The texts that start, describe or configure them: READMEs, package.json, YAML and the like. */
  readonly texts: readonly TextFile[]
}

const SOURCE = /\.[cm]?[jt]sx?$/
const TEXT = /\.(md|ya?ml|sh|html)$|(^|\/)(package\.json|\.env\.example|Dockerfile[^/]*)$|^\.ci\//
const SKIPPED = new Set(['node_modules', '.git', '.runtime', 'coverage', 'dist', 'fixtures'])

/** Reads every source and text file below `root`, an absolute path; not data and fixtures. */
export function readFiles(root: string): readonly TextFile[] {
  const files: TextFile[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name)
      if (SKIPPED.has(entry.name)) continue
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && (SOURCE.test(path) || TEXT.test(path))) {
        files.push({ path, text: readFileSync(join(root, path), 'utf8') })
      }
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Scans the sources among `files`; no files make an empty tree. */
export function sourceTreeOf(files: readonly TextFile[]): SourceTree {
  const sources = files.filter((file) => SOURCE.test(file.path)).map(scanSource)
  return {
    sources: new Map(sources.map((source) => [source.path, source])),
    texts: files.filter((file) => !SOURCE.test(file.path)),
  }
}

/** Counts lines from 1, as editors do. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

/** A function that takes more than one line; `offset` begins its head, and `lines` count it too. */
export interface FunctionSpan {
  readonly offset: number
  readonly lines: number
}

/**
 * Finds functions, methods and arrow functions by the shape that Biome gives them.
 *
 * A body opens where a line ends in `) {`, `): Type {` or `=>`. Its head is the line of the same
 * indentation before the brackets that close its parameters, its end the line of closing brackets
 * that comes back to this indentation. Lines that begin inside a template count as indented.
 */
export function functionsOf({ code, literals }: SourceFile): readonly FunctionSpan[] {
  const lines = linesOf(code, literals)
  const closes = (at: number): boolean => /^\s*[)}\]>]/.test(lines[at]?.text ?? '')
  const isHead = (at: number, indent: number): boolean =>
    at <= 0 || ((lines[at]?.indent ?? 0) <= indent && !closes(at))
  const spans = new Map<number, FunctionSpan>()
  for (const [at, { text, indent }] of lines.entries()) {
    if (!/=>(?: [({[]+)?$|\)(?::.*)? \{$/.test(text)) continue
    let head = at
    while (!isHead(head, indent)) head -= 1
    if (STATEMENT.test(lines[head]?.text ?? '')) continue
    let end = at + 1
    while (goesOn(lines[end], indent)) end += 1
    const isLast = lines[end]?.indent === indent && closes(end)
    const { offset = 0 } = lines[head] ?? {}
    spans.set(head, { offset, lines: end - head + (isLast ? 1 : 0) })
  }
  return [...spans.values()]
}

/** What ends in `) {` and is no function. */
const STATEMENT =
  /^\s*(?:\} )?(?:if|else|for|while|switch|case|catch|(?:export )?(?:abstract )?class)\b/

interface Line {
  readonly text: string
  readonly offset: number
  /** Endless for an empty line and for one that begins inside a template. */
  readonly indent: number
}

function linesOf(code: string, literals: readonly Piece[]): readonly Line[] {
  const inTemplate = new Set(
    literals.flatMap(({ offset, value }) =>
      [...value.matchAll(/\n/g)].map(({ index }) => offset + index + 1),
    ),
  )
  return [...code.matchAll(/^.*$/gm)].map(({ index: offset, 0: line }) => {
    const text = line.trimEnd()
    const isEmpty = text === '' || inTemplate.has(offset)
    return { text, offset, indent: isEmpty ? Number.POSITIVE_INFINITY : text.search(/\S/) }
  })
}

/** Tells the inside of a function, and a head that goes on in `}: Options) {`, from its end. */
function goesOn(line: Line | undefined, indent: number): boolean {
  if (line === undefined || line.indent !== indent)
    return line !== undefined && line.indent > indent
  return /^\s*[)}\]>].*(?:[({[<]|=>)$/.test(line.text)
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//
const STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/
// A slash begins an expression where no operand stands before it; elsewhere it divides.
const NO_OPERAND = /(?<=(?:[(,=:[!&|?{};]|=>|\breturn|^)(?:\s|\/\/[^\n]*\n)*)/
const EXPRESSION = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//
const TOKENS = new RegExp(
  [
    `(?<comment>${COMMENT.source})`,
    `(?<string>${STRING.source})`,
    `(?<expression>${NO_OPERAND.source}${EXPRESSION.source})`,
    '(?<edge>[`{}])',
  ].join('|'),
  'g',
)
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*/y

function scanSource({ path, text }: TextFile): SourceFile {
  const { comments, literals, expressions } = piecesOf(text)
  const code = blank(text, [...comments, ...literals, ...expressions])
  return {
    path,
    text,
    code,
    literals,
    comments,
    imports: importsOf(path, text, code),
    pure: /^\/\/ pure\r?(\n|$)/.test(text),
  }
}

function piecesOf(text: string): { comments: Piece[]; literals: Piece[]; expressions: Piece[] } {
  const comments: Piece[] = []
  const literals: Piece[] = []
  const expressions: Piece[] = []
  const open: string[] = [] // The braces around the scanner: `{`, or `${` inside a template.
  const readTemplate = (from: number): void => {
    TEMPLATE_TEXT.lastIndex = from
    const value = TEMPLATE_TEXT.exec(text)?.[0] ?? ''
    literals.push({ offset: from, value })
    const resumes = text.startsWith('${', from + value.length)
    if (resumes) open.push('${')
    TOKENS.lastIndex = from + value.length + (resumes ? 2 : 1)
  }
  TOKENS.lastIndex = 0
  for (let token = TOKENS.exec(text); token !== null; token = TOKENS.exec(text)) {
    const [value] = token
    const inside = { offset: token.index + 1, value: value.slice(1, -1) }
    if (token.groups?.comment !== undefined) comments.push({ offset: token.index, value })
    else if (token.groups?.string !== undefined) literals.push(inside)
    else if (token.groups?.expression !== undefined) expressions.push(inside)
    else if (value === '{') open.push(value)
    else if (value === '`' || open.pop() === '${') readTemplate(token.index + 1)
  }
  return { comments, literals, expressions }
}

function blank(text: string, pieces: readonly Piece[]): string {
  let code = ''
  let from = 0
  for (const { offset, value } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    code += text.slice(from, offset) + value.replace(/[^\n]/g, ' ')
    from = offset + value.length
  }
  return code + text.slice(from)
}

const IMPORT =
  /^(?:im|ex)port\b(?:([\w$*{},\s]*?)\bfrom)?\s*'([^'\n]*)'|\b(?:import|require)\(\s*'([^'\n]*)'/dgm

function importsOf(path: string, text: string, code: string): readonly Import[] {
  return [...code.matchAll(IMPORT)].map((match) => {
    const [from, to] = match.indices?.[2] ?? match.indices?.[3] ?? [0, 0]
    const specifier = text.slice(from, to)
    const clause = (match[1] ?? '').trim()
    const names = (/\{([^}]*)\}/.exec(clause)?.[1] ?? '').split(',').map((name) => name.trim())
    const named = names.filter((name) => name !== '')
    return {
      offset: match.index,
      specifier,
      names: named.map((name) => name.replace(/^type /, '').replace(/ as .*/, '')),
      typeOnly:
        /^type\b/.test(clause) ||
        (clause.startsWith('{') && named.every((name) => name.startsWith('type '))),
      target: targetOf(path, specifier),
      packageName: /^(?:@[^/]+\/)?[^./#@:][^/:]*(?=\/|$)/.exec(specifier)?.[0],
    }
  })
}

function targetOf(path: string, specifier: string): string | undefined {
  const [file = ''] = specifier.split('?') // Vite asks for a file's address by `?url`.
  if (file.startsWith('#wire/')) return posix.join('regional-worker', file.slice(1))
  return file.startsWith('.') ? posix.join(posix.dirname(path), file) : undefined
}
