// A real kithd for a test: its own folder and port, the demo network, and the command line beside it.
//
// The console comes out of the binary. With E2E_DIST=dist a front serves that folder instead, with the headers of
// the binary, so that a change can be tried without building it in. E2E_DEMO is a folder of a server with the demo network
// that stands ready: each server is then started on a copy of it, which takes a tenth of the time of making the network.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))
export const bin = process.env.E2E_BIN ?? resolve(here, '../../../target/debug')
const dist = process.env.E2E_DIST && resolve(process.env.E2E_DIST)
const ready = process.env.E2E_DEMO
const READY_MS = 60_000

const UNTIL_MS = 120_000
/** Asks until it is so: what nothing tells of. */
export async function until(isSo, what) {
  for (const end = Date.now() + UNTIL_MS; !(await isSo()); await new Promise(done => setTimeout(done, 50))) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
  }
}

export class Kithd {
  /** Starts a server; `data` is a folder of an earlier one, `port` where it was. One that is made `anew` has keys of its own;
      others have the keys of the folder that they are copies of. */
  static async start({ demo = true, data, port = 0, front, anew = false } = {}) {
    const folder = data ?? (await mkdtemp(join(tmpdir(), 'kith-console-')))
    const copied = demo && !data && !anew ? ready : undefined
    if (copied) await cp(copied, folder, { recursive: true })
    const child = spawn(join(bin, 'kithd'), ['--data', folder, '--listen', `127.0.0.1:${port}`, ...(demo && !data && !copied ? ['--demo'] : [])], { stdio: ['ignore', 'pipe', 'pipe'] })
    const at = await address(child)
    const token = (await readFile(join(folder, 'owner.token'), 'utf8')).trim()
    return new Kithd(child, folder, at, token, front ?? (dist && (await serve(at))))
  }

  /** Leaves a folder with the demo network and its views, for E2E_DEMO. */
  static async prepare(folder) {
    const child = spawn(join(bin, 'kithd'), ['--data', folder, '--listen', '127.0.0.1:0', '--demo'], { stdio: ['ignore', 'pipe', 'pipe'] })
    await address(child)
    child.kill('SIGTERM')
    await once(child, 'exit')
  }

  constructor(child, data, at, token, front) {
    Object.assign(this, { child, data, at, token, front })
  }

  /** Where the console is. */
  get base() {
    return `${this.front?.base ?? this.at}/`
  }

  /** Runs `kith` as the owner, unless another token is given; gives what it printed as JSON. */
  async kith(args, { network = 'demo', token = this.token } = {}) {
    const { stdout } = await promisify(execFile)(join(bin, 'kith'), [...args, '--server', this.at, '--network', network, '-o', 'json'], { env: { ...process.env, KITH_TOKEN: token }, maxBuffer: 1 << 26 })
    return stdout.trim().split('\n').filter(Boolean).map(line => JSON.parse(line))
  }

  /** Kills the process, as a machine that loses power does. */
  async kill() {
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }

  /** Starts again where it was, on the same folder. */
  async again() {
    const port = Number(new URL(this.at).port)
    const next = await Kithd.start({ data: this.data, port, front: this.front })
    this.child = next.child
  }

  async stop() {
    this.front?.server.close()
    this.front?.server.closeAllConnections()
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill()
    await rm(this.data, { recursive: true, force: true })
  }
}

async function address(child) {
  let said = ''
  const found = new Promise((done, fail) => {
    const hear = chunk => {
      said += chunk
      const at = /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1]
      if (at) done(`http://${at}`)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', error => fail(new Error(`${bin} holds no kithd that starts: ${error.message}`)))
    child.once('exit', code => fail(new Error(`kithd ended with ${code}: ${said}`)))
    setTimeout(() => fail(new Error(`kithd was not ready: ${said}`)), READY_MS).unref()
  })
  return found
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }

async function serve(at) {
  const upstream = new URL(at)
  const policy = await fetch(`${at}/`, { method: 'HEAD' })
  const headers = Object.fromEntries(['content-security-policy', 'x-content-type-options', 'referrer-policy', 'cross-origin-opener-policy'].flatMap(name => (policy.headers.has(name) ? [[name, policy.headers.get(name)]] : [])))
  const server = http.createServer(async (request, response) => {
    const path = new URL(request.url, 'http://x').pathname
    const file = join(dist, path === '/' ? 'index.html' : path)
    if (request.method === 'GET' && file.startsWith(dist) && existsSync(file)) {
      response.writeHead(200, { ...headers, 'content-type': types[extname(file)] ?? 'application/octet-stream' })
      return response.end(await readFile(file))
    }
    const on = http.request({ host: upstream.hostname, port: upstream.port, path: request.url, method: request.method, headers: request.headers }, answer => {
      response.writeHead(answer.statusCode, answer.headers)
      pipeline(answer, response, () => {})
    })
    on.on('error', () => response.destroy())
    response.on('close', () => on.destroy())
    request.pipe(on)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, base: `http://127.0.0.1:${server.address().port}` }
}
