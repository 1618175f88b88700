import assert from "node:assert/strict";
import test from "node:test";
import { Browser, ok, PASSWORD, refused, signedUp } from "../harness.mjs";

/** One person, signed in with `count` browsers. */
async function onDevices(name, count) {
  const { email, auth, user } = await signedUp(name);
  const clients = [auth];
  while (clients.length < count) {
    const client = new Browser({ agent: `Device ${clients.length} of ${name}` }).client();
    ok(await client.signIn.email({ email, password: PASSWORD }));
    clients.push(client);
  }
  const tokens = [];
  for (const client of clients) tokens.push(ok(await client.getSession()).session.token);
  return { clients, tokens, user };
}

const alive = async (client) => ok(await client.getSession()) !== null;

test("list-sessions shows every device once", async () => {
  const { clients, tokens, user } = await onDevices("Nina", 3);
  const listed = ok(await clients[1].listSessions());
  assert.deepEqual(listed.map((session) => session.token).sort(), [...tokens].sort());
  assert.ok(listed.every((session) => session.userId === user.id));
  assert.ok(listed.every((session) => session.expiresAt instanceof Date));
  assert.ok(listed.some((session) => session.userAgent === "Device 2 of Nina"));
});

test("revoke-session ends one, at once", async () => {
  const { clients, tokens } = await onDevices("Oscar", 3);
  assert.deepEqual(ok(await clients[0].revokeSession({ token: tokens[1] })), { status: true });
  assert.deepEqual(await Promise.all(clients.map(alive)), [true, false, true]);
});

test("revoke-session does not reach another person's", async () => {
  const { clients } = await onDevices("Peggy", 1);
  const victim = await onDevices("Victim", 1);
  ok(await clients[0].revokeSession({ token: victim.tokens[0] }));
  assert.equal(await alive(victim.clients[0]), true);
});

test("revoke-other-sessions leaves this one", async () => {
  const { clients } = await onDevices("Quinn", 3);
  assert.deepEqual(ok(await clients[1].revokeOtherSessions()), { status: true });
  assert.deepEqual(await Promise.all(clients.map(alive)), [false, true, false]);
});

test("revoke-sessions ends all", async () => {
  const { clients } = await onDevices("Ruth", 3);
  assert.deepEqual(ok(await clients[2].revokeSessions()), { status: true });
  assert.deepEqual(await Promise.all(clients.map(alive)), [false, false, false]);
});

test("a changed cookie opens nothing", async () => {
  const { browser, token } = await signedUp("Sybil");
  const forged = new Browser();
  const value = `${token}.${Buffer.alloc(32).toString("base64")}`;
  const header = `better-auth.session_token=${encodeURIComponent(value)}; Path=/`;
  await forged.jar.setCookie(header, process.env.INTEROP_URL);
  assert.equal(ok(await forged.client().getSession()), null);
  assert.equal(ok(await browser.client().getSession()).session.token, token);
});

test("a session that changes something needs an origin", async () => {
  const { browser } = await signedUp("Trent");
  const evil = new Browser({ origin: "https://evil.example" });
  evil.jar = browser.jar.cloneSync();
  refused(await evil.client().updateUser({ name: "Mallory" }), 403, "INVALID_ORIGIN");
});

test("update-session has nothing to set", async () => {
  const { auth } = await signedUp("Uma");
  const { error } = await auth.updateSession({ colour: "red" });
  assert.equal(error.status, 400);
});
