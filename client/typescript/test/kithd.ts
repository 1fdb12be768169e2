// A real server for tests: the binary that `cargo build` made, or the one that KITHD names.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BINARY = process.env["KITHD"] ?? fileURLToPath(new URL("../../../target/debug/kithd", import.meta.url));

export class Kithd {
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(
    private readonly folder: string,
    private readonly flags: readonly string[],
  ) {}

  /** Starts a server with a data folder of its own; `--demo` adds the fictional network `demo`. */
  static async start(...flags: string[]): Promise<Kithd> {
    const server = new Kithd(mkdtempSync(join(tmpdir(), "kith-typescript-")), flags);
    await server.restart();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The secret of the owner of the whole server. */
  get token(): string {
    return readFileSync(join(this.data, "owner.token"), "utf8").trim();
  }

  private get data(): string {
    return join(this.folder, "data");
  }

  /** Starts the server again, at the same address. */
  async restart(): Promise<void> {
    const child = spawn(BINARY, ["--data", this.data, "--listen", `127.0.0.1:${this.#port}`, ...this.flags], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (bytes: Buffer) => {
        said += String(bytes);
        const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
        if (port) this.#port = Number(port);
        if (port && said.includes("ready")) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`kithd ended with ${code}:\n${said}`)));
    });
  }

  /** Ends the server at once, as a loss of power does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
