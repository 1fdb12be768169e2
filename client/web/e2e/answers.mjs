// Answers of a server, made here: what a call of a page is answered with by `route`. Refusals are those of the server, byte
// for byte as it sends them; messages are made of the same generated code that the page reads them with.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const bytes = (field, value) => Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)])
const any = (type, value) => bytes(3, Buffer.concat([bytes(1, `type.googleapis.com/google.rpc.${type}`), bytes(2, value)]))
const headers = { 'content-type': 'application/grpc-web+proto' }

/** A refusal in gRPC-web: the status in the headers, with its details. */
export function refusal({ code, reason, message, metadata = {}, retryMs }) {
  const pairs = Object.entries(metadata).map(([key, value]) => bytes(3, Buffer.concat([bytes(1, key), bytes(2, value)])))
  const info = any('ErrorInfo', Buffer.concat([bytes(1, reason), bytes(2, 'kith.v1'), ...pairs]))
  const nanos = (retryMs ?? 0) * 1e6
  const varint = Buffer.from(Array.from({ length: 5 }, (_, i) => ((nanos / 2 ** (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0)))
  const retry = retryMs ? any('RetryInfo', bytes(1, Buffer.concat([Buffer.from([0x10]), varint]))) : Buffer.alloc(0)
  const status = Buffer.concat([Buffer.from([0x08, code]), bytes(2, message), info, retry])
  return { status: 200, headers: { ...headers, 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message), 'grpc-status-details-bin': status.toString('base64').replace(/=+$/, '') } }
}

function frame(flags, content) {
  const head = Buffer.alloc(5)
  head.writeUInt8(flags, 0)
  head.writeUInt32BE(content.length, 1)
  return Buffer.concat([head, content])
}

/** Answers that are messages of these bytes; one without bytes is a message in which nothing is set. */
export const answer = (...messages) => ({ status: 200, headers, body: Buffer.concat([...messages.map(one => frame(0, Buffer.from(one))), frame(0x80, Buffer.from('grpc-status:0\r\n'))]) })

const generated = new Map()

/** A message of the server as bytes: `encode('plugin', 'ListPluginsResponse', { plugins: [...] })`. */
async function encode(file, name, value) {
  const schema = await schemaOf(file, name)
  return toBinary(schema, create(schema, value))
}

async function schemaOf(file, name) {
  if (!generated.has(file)) {
    const path = fileURLToPath(new URL(`../../typescript/src/gen/kith/v1/${file}_pb.ts`, import.meta.url))
    generated.set(file, (await runnerImport(path, { configFile: false, logLevel: 'error' })).module)
  }
  return generated.get(file)[`${name}Schema`]
}

/** An answer of one message. */
export const message = async (file, name, value) => answer(await encode(file, name, value))

/** The bytes of a component that the network knows, by its SHA-256. */
export async function component(kithd, sha256) {
  const request = await encode('plugin', 'FetchComponentRequest', { network: 'demo', component: Buffer.from(sha256, 'hex') })
  const response = await fetch(`${kithd.at}/kith.v1.PluginService/FetchComponent`, { method: 'POST', headers: { ...headers, 'x-grpc-web': '1', authorization: `Bearer ${kithd.token}` }, body: frame(0, Buffer.from(request)) })
  const schema = await schemaOf('plugin', 'FetchComponentResponse')
  const all = Buffer.from(await response.arrayBuffer())
  const pieces = []
  for (let at = 0; at < all.length; ) {
    const [flags, length] = [all.readUInt8(at), all.readUInt32BE(at + 1)]
    if (flags === 0) pieces.push(fromBinary(schema, all.subarray(at + 5, at + 5 + length)).data)
    at += 5 + length
  }
  return Buffer.concat(pieces)
}
