import assert from 'node:assert/strict'
import { chmod, link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LaunchError } from '../launch-error.ts'
import type { Machine } from './machine.ts'
import { type ProgramRecipe, type ProgramSource, provideProgram } from './provide-program.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'

const RECIPE: ProgramRecipe = {
  name: 'widget',
  variable: 'MERIDIAN_WIDGET',
  floors: [[2, 0, 0]],
  sources: [],
  installLine: {
    debian: 'apt-get install widget',
    mac: 'brew install widget',
    other: 'make widget',
  },
}

test('a program on the PATH that is new enough is used, and nothing is fetched', async () => {
  await using lab = await makeLab()
  const path = await lab.install('path', '2.0.0')

  const found = await provideProgram(
    { ...RECIPE, sources: [await lab.source('3.0.0')] },
    lab.machine,
  )

  assert.deepEqual(found, { name: 'widget', path, version: '2.0.0' })
  assert.equal(lab.fetched(), 0)
})

test('an older one on the PATH is passed over for the one that was fetched before', async () => {
  await using lab = await makeLab()
  await lab.install('path', '1.9.9')
  const path = await lab.install('store/bin', '2.1.0')

  const found = await provideProgram(
    { ...RECIPE, sources: [await lab.source('3.0.0')] },
    lab.machine,
  )

  assert.deepEqual(found, { name: 'widget', path, version: '2.1.0' })
  assert.equal(lab.fetched(), 0)
})

test('a program that is nowhere is fetched into the store, and found there next time', async () => {
  await using lab = await makeLab()
  const recipe = { ...RECIPE, sources: [await lab.source('3.0.0')] }

  const first = await provideProgram(recipe, lab.machine)
  const second = await provideProgram(recipe, lab.machine)

  const path = join(lab.machine.storeDir, 'bin/widget')
  assert.deepEqual(first, { name: 'widget', path, version: '3.0.0' })
  assert.deepEqual(second, first)
  assert.equal(lab.fetched(), 1)
  assert.deepEqual(await readdir(join(lab.machine.storeDir, 'tmp')), [])
})

test('a source that fails, or brings what will not do, is followed by the next', async () => {
  await using lab = await makeLab()
  const broken: ProgramSource = async () => {
    throw new Error('pip: not installed')
  }

  const sources = [broken, await lab.source('1.0.0'), await lab.source('3.0.0')]
  const found = await provideProgram({ ...RECIPE, sources }, lab.machine)

  assert.equal(found.version, '3.0.0')
  assert.equal(lab.fetched(), 2)
})

test('a program that a source installed elsewhere is used where it is', async () => {
  await using lab = await makeLab()
  const elsewhere = join(lab.folder, 'usr')
  const source: ProgramSource = async () => lab.install('usr', '2.5.0')

  const found = await provideProgram({ ...RECIPE, sources: [source] }, lab.machine)

  assert.equal(found.path, join(elsewhere, 'widget'))
})

test('when all fails, every reason is told and the line that installs it', async () => {
  await using lab = await makeLab()
  await lab.install('path', '1.9.9')
  const broken: ProgramSource = async () => {
    throw new Error('pip: not installed')
  }

  const providing = provideProgram({ ...RECIPE, sources: [broken] }, lab.machine)

  await assert.rejects(providing, (error) => {
    assert.ok(error instanceof LaunchError)
    const lines = error.message.split('\n')
    assert.equal(lines[0], 'widget is missing and could not be fetched:')
    assert.match(lines[1] ?? '', /path\/widget is 1\.9\.9, wanted is at least 2\.0\.0$/)
    assert.equal(lines[2], '  - pip: not installed')
    assert.equal(error.remedy, 'make widget')
    assert.equal(error.exitCode, 69)
    return true
  })
})

test('a program that a variable names is used, whatever else there is', async () => {
  await using lab = await makeLab()
  await lab.install('path', '9.0.0')
  const path = await lab.install('mine', '2.0.0')
  const environment = { ...lab.machine.environment, MERIDIAN_WIDGET: path }

  const found = await provideProgram(RECIPE, { ...lab.machine, environment })

  assert.equal(found.path, path)
})

test('a variable that names nothing usable is refused', async () => {
  await using lab = await makeLab()
  await lab.install('path', '9.0.0')
  const old = await lab.install('mine', '1.0.0')

  for (const [path, says] of [
    [old, /^MERIDIAN_WIDGET: .* is 1\.0\.0, wanted is at least 2\.0\.0$/],
    [join(lab.folder, 'absent'), /absent does not exist$/],
    [lab.folder, /does not exist$/],
  ] as const) {
    const environment = { ...lab.machine.environment, MERIDIAN_WIDGET: path }
    const providing = provideProgram(RECIPE, { ...lab.machine, environment })
    await assert.rejects(providing, { name: 'LaunchError', message: says })
  }
})

test('two at once fetch twice and leave one whole program', async () => {
  await using lab = await makeLab()
  const recipe = { ...RECIPE, sources: [await lab.source('3.0.0')] }

  const found = await Promise.all([
    provideProgram(recipe, lab.machine),
    provideProgram(recipe, lab.machine),
  ])

  assert.deepEqual(found[0], found[1])
  const [one] = found
  assert.ok(one !== undefined)
  assert.match(await readFile(one.path, 'utf8'), /3\.0\.0/)
  assert.equal((await stat(one.path)).mode & 0o111, 0o111)
})

async function makeLab() {
  const folder = await makeTemporaryFolder(tmpdir())
  const install = async (where: string, version: string): Promise<string> => {
    const path = join(folder.path, where, 'widget')
    await mkdir(join(folder.path, where), { recursive: true })
    await writeFile(path, `#!/bin/sh\necho widget v${version}\n`)
    await chmod(path, 0o755)
    return path
  }
  let fetched = 0
  const machine: Machine = {
    storeDir: join(folder.path, 'store'),
    environment: { PATH: join(folder.path, 'path') },
    kind: 'other',
    isRoot: false,
    say: () => {},
  }
  return {
    folder: folder.path,
    machine,
    install,
    fetched: () => fetched,
    source: async (version: string): Promise<ProgramSource> => {
      const prepared = await install(`prepared/${version}`, version)
      return async (_, into) => {
        fetched += 1
        const path = join(into, 'widget')
        await link(prepared, path) // A file that is open for writing could not be run at once.
        return path
      }
    },
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}
