// Goal: the order and the links of a launch, and that nothing is left of one.
// Method: a real nats-server and the launcher as it is, with doubles for gateway, ingress, worker
// and stand-in, which listen where they are told and show what they were told. start.test.ts has
// the real ones.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { environment, type LauncherConfig, parseLauncherConfig } from './config.ts'
import { askLauncher } from './control/control-client.ts'
import { launch } from './launch.ts'
import { makeTemporaryFolder } from './provide/temporary-folder.ts'
import { answersOk, pollUntil } from './supervise/poll.ts'

const MEMBER = join(import.meta.dirname, 'test-children/member/main.ts')
const STAND_IN = `
  const server = require('node:http').createServer((_, response) => response.end('{}'))
  const url = () => 'http://127.0.0.1:' + server.address().port
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: url() })))
`
const PATIENCE = { timeoutMs: 30_000, everyMs: 20 }

test('a launch tells where everything is, and each part where those it needs are', async () => {
  await using lab = await makeLab()
  await using up = await lab.launch()
  const { gateway, regions, modelServer, redis, ca } = up.started

  assert.equal(redis, null)
  assert.equal(modelServer.kind, 'stand-in')
  assert.equal(ca, join(lab.config.runtimeDir, 'certs/ca.pem'))
  assert.deepEqual(
    regions.map(({ id, workers }) => [id, workers.map((worker) => worker.id)]),
    [
      ['us-east', ['us-east-worker-1', 'us-east-worker-2']],
      ['eu-central', ['eu-central-worker-1', 'eu-central-worker-2']],
    ],
  )
  for (const { id, nats, ingress, workers } of regions) {
    for (const { adminUrl } of [ingress, ...workers]) {
      const told = await environmentAt(adminUrl)
      assert.equal(told.REGION_ID, id)
      assert.equal(told.NATS_URL, nats.url)
      assert.equal(told.OLLAMA_HOST, modelServer.url)
    }
  }
  const { REGIONS_FILE = '' } = await environmentAt(gateway.adminUrl)
  const file = JSON.parse(await readFile(REGIONS_FILE, 'utf8')) as { regions: object[] }
  assert.deepEqual(
    file.regions,
    regions.map(({ id, ingressUrl }) => ({ id, ingress: [ingressUrl] })),
  )
})

test('nothing is left of a launch that has been disposed of', async () => {
  await using lab = await makeLab()
  const up = await lab.launch()
  const { gateway, regions, modelServer, controlSocket } = up.started

  await up[Symbol.asyncDispose]()

  const urls = [
    gateway.adminUrl,
    modelServer.url,
    ...regions.flatMap(({ nats, ingress }) => [nats.monitorUrl, ingress.adminUrl]),
  ]
  assert.deepEqual(
    await Promise.all(urls.map((url) => answersOk(url))),
    urls.map(() => false),
  )
  await assert.rejects(askLauncher(controlSocket, 'GET', '/'), { code: 'ENOENT' })
  assert.deepEqual(lab.said, [])
})

test('a killed region is down, others are not, until it is started where it was', async () => {
  await using lab = await makeLab()
  await using up = await lab.launch()
  const { regions, controlSocket } = up.started
  const [usEast, euCentral] = regions
  assert.ok(usEast !== undefined && euCentral !== undefined)
  const answers = async ({ nats, ingress, workers }: typeof usEast) =>
    Promise.all(
      [nats.monitorUrl, ingress.adminUrl, ...workers.map((worker) => `${worker.adminUrl}`)].map(
        (url) => answersOk(url),
      ),
    )

  await askLauncher(controlSocket, 'POST', '/regions/us-east/kill')
  assert.deepEqual(await answers(usEast), [false, false, false, false])
  assert.deepEqual(await answers(euCentral), [true, true, true, true])

  const { processes } = await askLauncher(controlSocket, 'POST', '/regions/us-east/start')
  assert.deepEqual(
    processes?.map(({ status }) => status),
    ['up', 'up', 'up', 'up'],
  )
  assert.deepEqual(await answers(usEast), [true, true, true, true])
})

test('a drained region keeps its NATS, a stopped one its connections', async () => {
  await using lab = await makeLab(['--regions=us-east', '--workers=1'])
  await using up = await lab.launch()
  const { controlSocket } = up.started
  const statusesAfter = async (action: string) => {
    const answer = await askLauncher(controlSocket, 'POST', `/regions/us-east/${action}`)
    return answer.processes?.map(({ status }) => status)
  }

  assert.deepEqual(await statusesAfter('drain'), ['up', 'down', 'down'])
  assert.deepEqual(await statusesAfter('start'), ['up', 'up', 'up'])
  assert.deepEqual(await statusesAfter('stop'), ['frozen', 'frozen', 'frozen'])
  assert.deepEqual(await statusesAfter('cont'), ['up', 'up', 'up'])
  assert.deepEqual(await statusesAfter('stop'), ['frozen', 'frozen', 'frozen'])
  assert.deepEqual(await statusesAfter('start'), ['up', 'up', 'up'])
})

test('a worker that dies comes back alone', async () => {
  await using lab = await makeLab(['--regions=us-east', '--workers=1'])
  await using up = await lab.launch()
  const [worker] = up.started.regions[0]?.workers ?? []
  assert.ok(worker?.pid !== undefined)

  process.kill(worker.pid, 'SIGKILL')
  await pollUntil(() => lab.said[0], PATIENCE)
  await pollUntil(async () => (await answersOk(`${worker.adminUrl}`)) || undefined, PATIENCE)

  assert.deepEqual(lab.said, ['us-east-worker-1 ended (SIGKILL); starting it again in 0.5 s'])
})

test('a part that does not start fails the launch with the end of its log', async () => {
  await using lab = await makeLab(['--regions=us-east'])
  const broken = join(lab.config.runtimeDir, 'broken.cjs')
  await writeFile(broken, "console.error('GATEWAY_CERT_FILE is missing'); process.exit(78)")

  const launching = lab.launch({ entries: { ...lab.config.entries, gateway: broken } })

  await assert.rejects(launching, /gateway did not start.*\n.*GATEWAY_CERT_FILE is missing/)
  await assert.rejects(askLauncher(lab.socket, 'GET', '/'), { code: 'ENOENT' })
  const log = await readFile(join(lab.config.runtimeDir, 'logs/us-east-nats.log'), 'utf8')
  assert.match(log, /Server Exiting/)
})

test('a launch that is told to stop gives up, and nothing is left', async () => {
  await using lab = await makeLab(['--regions=us-east'])
  const mute = join(lab.config.runtimeDir, 'mute.cjs')
  await writeFile(mute, "console.log('quiet'); setInterval(() => {}, 1000)")
  const launching = lab.launch({ entries: { ...lab.config.entries, ingress: mute } })
  const log = join(lab.config.runtimeDir, 'logs/us-east-ingress.log')
  await pollUntil(
    async () => ((await readFile(log, 'utf8').catch(() => '')) === 'quiet\n' ? true : undefined),
    PATIENCE,
  )

  await Promise.all([assert.rejects(launching), lab.stop()])

  await assert.rejects(askLauncher(lab.socket, 'GET', '/'), { code: 'ENOENT' })
})

test('a regions file that cannot be used is named', async () => {
  await using lab = await makeLab()

  await assert.rejects(lab.launch({ regionsFile: '/nowhere/regions.json' }), {
    name: 'LaunchError',
    message: /^\/nowhere\/regions\.json cannot be used: ENOENT/,
  })
  await assert.rejects(lab.launch({ regionIds: ['mars'] }), /it has no region mars/)
})

async function environmentAt(url: string | undefined): Promise<Record<string, string>> {
  return (await (await fetch(`${url}/`)).json()) as Record<string, string>
}

async function makeLab(args: readonly string[] = []) {
  const folder = await makeTemporaryFolder(tmpdir())
  const regionsFile = join(folder.path, 'geo.json')
  const regions = ['us-east', 'eu-central'].map((id) => ({ id, ingress: [] }))
  await writeFile(regionsFile, JSON.stringify({ regions }))
  const standIn = join(folder.path, 'stand-in.cjs')
  await writeFile(standIn, STAND_IN)
  const config: LauncherConfig = {
    ...parseLauncherConfig(['--ports=any', '--stand-in', ...args], {
      ...environment,
      MERIDIAN_REDIS_SERVER: '/nowhere/redis-server', // One process less to wait for.
    }),
    runtimeDir: folder.path,
    regionsFile,
    redisUrl: undefined,
    entries: { gateway: MEMBER, ingress: MEMBER, worker: MEMBER, standIn },
  }
  const said: string[] = []
  const stop = new AbortController()
  return {
    config,
    socket: join(folder.path, 'launcher.sock'),
    said,
    stop: async () => stop.abort(),
    launch: (changes: Partial<LauncherConfig> = {}) =>
      launch({ ...config, ...changes }, { say: (line) => said.push(line), stop: stop.signal }),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}
