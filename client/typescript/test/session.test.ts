// Who calls: a token, or the cookie of a session, which a browser sends by itself.
import { afterAll, beforeAll, expect, test } from "vitest";
import { KithError, services, timeOf } from "../src/index.js";
import { CredentialKind } from "../src/gen/kith/v1/session_pb.js";
import { Kithd } from "./kithd.js";

let server: Kithd;
beforeAll(async () => void (server = await Kithd.start()));
afterAll(() => server?.stop());

async function signIn(body: RequestInit): Promise<{ status: number; cookie: string }> {
  const response = await fetch(`${server.url}/session`, { method: "POST", ...body, headers: { "x-kith-console": "1", ...body.headers } });
  return { status: response.status, cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "" };
}

test("a token, a session from it, and one from a code are the same caller", async () => {
  const kith = services({ server: server.url, token: server.token });
  const me = await kith.sessions.whoAmI({ network: "default" });
  expect(me).toMatchObject({ principal: "token:owner", credential: { kind: CredentialKind.TOKEN } });
  expect(Math.abs(timeOf(me.serverTime!) - Date.now())).toBeLessThan(60_000);
  const { code } = await kith.sessions.openConsole({});
  for (const body of [{ headers: { authorization: `Bearer ${server.token}` } }, { body: `code=${code}` }]) {
    const { status, cookie } = await signIn(body);
    expect([status, cookie]).toEqual([204, expect.stringMatching(/^kith-[0-9a-f]{8}=/)]);
    const session = services({ server: server.url, headers: { cookie } });
    expect(await session.sessions.whoAmI({ network: "default" })).toMatchObject({ principal: me.principal, role: me.role });
    const ended = await fetch(`${server.url}/session`, { method: "DELETE", headers: { cookie, "x-kith-console": "1" } });
    expect(ended.status).toBe(204);
    await expect(session.log.head({ network: "default" })).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  }
  expect((await signIn({ body: `code=${code}` })).status).not.toBe(204);
});

test("a token goes before a cookie", async () => {
  const { cookie } = await signIn({ headers: { authorization: `Bearer ${server.token}` } });
  const both = services({ server: server.url, token: "kith_wrong", headers: { cookie } });
  await expect(both.log.head({ network: "default" })).rejects.toBeInstanceOf(KithError);
});
