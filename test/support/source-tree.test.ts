import assert from 'node:assert/strict'
import { test } from 'node:test'
import { functionsOf, lineAt, readFiles, type SourceFile, sourceTreeOf } from './source-tree.ts'

test('comments, strings, templates and expressions are blank in code, at unchanged offsets', () => {
  const text = [
    "const a = 'it\\'s' // don't",
    `const b = \`x \${f(\`y \${{ z }}\`)} \\\` end\` + c`,
    "const d = /['`/*]/.test(e) /* g\nh */ + i / j / k",
  ].join('\n')

  const { code, literals, comments } = scan(text)

  assert.equal(code.length, text.length)
  assert.deepEqual(code.replace(/ +/g, ' ').split('\n'), [
    "const a = ' ' ",
    `const b = \` \${f(\` \${{ z }}\`)} \` + c`,
    'const d = / /.test(e) ',
    ' + i / j / k',
  ])
  assert.deepEqual(
    literals.map(({ value }) => value),
    ["it\\'s", 'x ', 'y ', '', ' \\` end'],
  )
  assert.deepEqual(
    comments.map(({ offset, value }) => [lineAt(text, offset), value]),
    [
      [1, "// don't"],
      [3, '/* g\nh */'],
    ],
  )
})

test('an import tells what it names, which file or package it means, and if types only', () => {
  const { imports } = scan(
    [
      "import a, { type B, c as d } from './b.ts'",
      "import {\n  type E,\n  type F,\n} from '@scope/name/path'",
      "export type { G } from '#wire/g.ts'",
      "import 'fastify'",
      "const { h } = await import('../h.ts?url')",
      "const text = \"import 'nats'\" // import 'undici'",
      "export const from = 'redis'",
      "import 'node:fs'",
    ].join('\n'),
  )

  assert.deepEqual(
    imports.map((it) => [it.target ?? it.packageName, it.typeOnly, it.names.join()]),
    [
      ['gateway/place/b.ts', false, 'B,c'],
      ['@scope/name', true, 'E,F'],
      ['regional-worker/wire/g.ts', true, 'G'],
      ['fastify', false, ''],
      ['gateway/h.ts', false, ''],
      [undefined, false, ''],
    ],
  )
})

test('a file is pure by its first line only', () => {
  assert.equal(scan('// pure\nconst a = 1').pure, true)
  assert.equal(scan('// pure').pure, true)
  assert.equal(scan('// pure enough').pure, false)
  assert.equal(scan('\n// pure').pure, false)
})

test('functions of every form are measured from head to end', () => {
  const forms: readonly [lines: number, source: string][] = [
    [3, 'export async function* f(a: string): AsyncGenerator<string> {\n  a\n}'],
    [5, 'function f(\n  a: string,\n): { b: string } {\n  a\n}'],
    [7, 'function f({\n  a,\n}: {\n  a: string\n}) {\n  a\n}'],
    [5, 'function f(): {\n  a: string\n} {\n  return a\n}'],
    [3, 'const f = async (a: string): Promise<void> => {\n  a\n}'],
    [4, 'const f = (\n  a: string,\n) => {\n}'],
    [3, 'const f = () => ({\n  a,\n})'],
    [2, 'const f = (a: string) =>\n  a\nconst b = 1'],
    [5, "test('a', async () => {\n  a\n\n  b\n})"],
    [4, `function f() {\n  return \`\n\${a}\`\n}`],
  ]

  for (const [lines, source] of forms) {
    assert.deepEqual(functionsOf(scan(source)), [{ offset: 0, lines }], source)
  }
})

test('methods and inner functions are measured, branches, classes and calls are not', () => {
  const source = [
    'export class A extends B(C) {',
    '  async close(): Promise<void> {',
    '    if (a) {',
    '      b({',
    '        c,',
    '      })',
    '    } else if (d) {',
    '      for (const e of f(g)) {',
    '        e.map((h) => {',
    '          h',
    '        })',
    '      }',
    '    }',
    '  }',
    '}',
  ]

  const spans = functionsOf(scan(source.join('\n')))

  assert.deepEqual(
    spans.map(({ offset, lines }) => [lineAt(source.join('\n'), offset), lines]),
    [
      [2, 13],
      [9, 3],
    ],
  )
})

test('reading finds this file as a source and the manifest as a text, but no package', () => {
  const files = readFiles(`${import.meta.dirname}/../..`)
  const { sources, texts } = sourceTreeOf(files)

  assert.ok(sources.has('test/support/source-tree.test.ts'))
  assert.ok(texts.some(({ path }) => path === 'package.json'))
  assert.ok(files.every(({ path }) => !path.includes('node_modules/')))
})

function scan(text: string): SourceFile {
  const path = 'gateway/place/a.ts'
  const source = sourceTreeOf([{ path, text }]).sources.get(path)
  assert.ok(source)
  return source
}
