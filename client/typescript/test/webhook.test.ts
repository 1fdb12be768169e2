// Requests of webhooks, as the library of Standard Webhooks signs them.
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { KithError, toBase64 } from "../src/index.js";
import { verifyWebhook, type WebhookHeaders } from "../src/verify/index.js";

const [SECRET, OTHER] = [7, 8].map((byte) => `whsec_${toBase64(new Uint8Array(32).fill(byte))}`) as [string, string];
const NOW = Date.UTC(2026, 10, 28, 9);
const ID = "019d0000-0000-7000-8000-000000000000";
const BODY = JSON.stringify({ specversion: "1.0", id: ID, type: "kith.v1.met", note: "Besuch bei Frau Müller" });

function headers(secrets: readonly string[] = [SECRET], at = NOW, body = BODY): Record<string, string> {
  const signature = secrets.map((secret) => new Webhook(secret).sign(ID, new Date(at), body)).join(" ");
  return { "Webhook-Id": ID, "Webhook-Timestamp": `${at / 1_000}`, "Webhook-Signature": signature };
}

const verify = (changes: { secret?: string; headers?: WebhookHeaders; body?: string | Uint8Array } = {}) =>
  verifyWebhook(changes.secret ?? SECRET, changes.headers ?? headers(), changes.body ?? BODY, { now: NOW });

function refused(changes: Parameters<typeof verify>[0]): string {
  try {
    verify(changes);
  } catch (error) {
    if (error instanceof KithError && error.kind === "not_verified") return error.message;
    throw error;
  }
  return "accepted";
}

test("what the library signs is accepted, whatever form headers and body have", () => {
  expect(verify().type).toBe("kith.v1.met");
  expect(verify({ headers: new Headers(headers()), body: new TextEncoder().encode(BODY) }).id).toBe(ID);
  for (const secret of [SECRET, OTHER]) expect(verify({ secret, headers: headers([OTHER, SECRET]) }).id).toBe(ID);
  const at = Math.floor(Date.now() / 1_000) * 1_000;
  expect(verifyWebhook(SECRET, headers([SECRET], at), BODY).id).toBe(ID);
});

test("what was changed is refused", () => {
  expect(refused({ secret: OTHER })).toContain("signature");
  expect(refused({ body: `${BODY} ` })).toContain("signature");
  for (const name of Object.keys(headers())) {
    const { [name]: value, ...others } = headers();
    const altered = name === "Webhook-Signature" ? `${value}x` : value!.replace("0", "1");
    expect(refused({ headers: { ...others, [name]: altered } })).toContain("signature");
    expect(refused({ headers: others })).toContain(name.toLowerCase());
  }
  const version = headers();
  expect(refused({ headers: { ...version, "Webhook-Signature": version["Webhook-Signature"]!.replace("v1", "v2") } })).toContain("signature");
});

test("what is old or ahead is refused", () => {
  for (const minutes of [-6, 6]) expect(refused({ headers: headers([SECRET], NOW + minutes * 60_000) })).toContain("clocks");
  for (const minutes of [-5, 5]) expect(verify({ headers: headers([SECRET], NOW + minutes * 60_000) }).id).toBe(ID);
  expect(refused({ headers: { ...headers(), "Webhook-Timestamp": "soon" } })).toContain("no time");
});

test("what is no secret or no event is refused", () => {
  for (const secret of ["", SECRET.slice(6), "whsec_", "whsec_é", "whsec_AAAA", `whsec_${SECRET}`]) expect(refused({ secret })).toContain("whsec_");
  for (const body of ["[]", "7", "null", "{}", '{"id":"another"}']) expect(refused({ body, headers: headers([SECRET], NOW, body) })).toContain("webhook-id");
  expect(refused({ body: "{", headers: headers([SECRET], NOW, "{") })).toContain("JSON");
});
