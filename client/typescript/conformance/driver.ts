// The TypeScript client as a driver of the conformance tests: a command a line on standard input, an answer a line on
// standard output. `tests/conformance/README.md` of the repository describes the commands.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { KithError, services } from "../src/index.js";
import { ALONE } from "./alone.js";
import { CALLS, type Net } from "./calls.js";
import type { Json } from "./events.js";
import { Stream } from "./streams.js";

/** What the runner may ask for beyond the commands that every driver has. */
const FEATURES = ["follow", "proofs", "views"];

const nets = new Map<string, Net>();
const streams = new Map<string, Stream>();

/** Carries a command out; `undefined` if there is no such command here. */
async function carryOut(command: Json): Promise<Json | undefined> {
  const name = command["do"];
  const alone = ALONE[name];
  if (alone) return alone(command);
  const call = CALLS[name];
  if (call) return call(nets.get(command["on"])!, command);
  switch (name) {
    case "connect":
      nets.set(command["as"], connect(command));
      return {};
    case "follow":
      await open(command["as"], Stream.follow(nets.get(command["on"])!, command));
      return {};
    case "watch":
      await open(command["as"], Stream.watch(nets.get(command["on"])!, command));
      return {};
    case "next":
      return streams.get(command["of"])!.next(command["ms"]);
    case "stop":
      await streams.get(command["of"])!.stop();
      streams.delete(command["of"]);
      return {};
    default:
      return undefined;
  }
}

/** Keeps a stream in the place of an earlier one of that name. */
async function open(name: string, stream: Stream): Promise<void> {
  await streams.get(name)?.stop();
  streams.set(name, stream);
}

function connect(command: Json): Net {
  const connection = { server: command["server"], token: command["token"], callTimeoutMs: command["call_ms"], silenceTimeoutMs: command["silence_ms"] };
  return { services: services(connection), network: command["network"] };
}

async function answer(command: Json): Promise<Json> {
  const n = command["n"];
  try {
    const ok = await carryOut(command);
    return ok ? { n, ok } : { n, unsupported: command["do"] };
  } catch (error) {
    if (!(error instanceof KithError)) throw error;
    return { n, error: errorJson(error) };
  }
}

function errorJson(error: KithError): Json {
  const { kind, reason, field, message } = error;
  return { kind, reason, field, event: error.event ?? null, retry_after_ms: error.retryAfterMs ?? null, retryable: error.isRetryable, had_no_effect: error.hadNoEffect, message };
}

const say = (line: Json) => process.stdout.write(`${JSON.stringify(line)}\n`);

// The bundle lies in node_modules/.cache.
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
say({ driver: "node", version, features: FEATURES });
for await (const line of createInterface({ input: process.stdin })) say(await answer(JSON.parse(line)));
process.exit(0);
