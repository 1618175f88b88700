import assert from "node:assert/strict";
import test from "node:test";
import { Browser, ok, ORIGIN, PASSWORD, signedUp } from "../harness.mjs";

// What the client looks for to see that it runs in a page, not on a server.
globalThis.window = Object.assign(new EventTarget(), { location: { href: `${ORIGIN}/` } });
globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });

test("useSession follows sign-in and sign-out", async () => {
  const { email, user } = await signedUp("Mia");
  const auth = new Browser().client();
  const seen = [];
  const stop = auth.useSession.subscribe((value) => {
    if (!value.isPending) seen.push(value.data?.user?.id ?? null);
  });
  const until = async (id) => {
    for (let i = 0; i < 100 && seen.at(-1) !== id; i += 1) await new Promise((r) => setTimeout(r, 20));
    assert.equal(seen.at(-1), id);
  };
  await until(null);
  ok(await auth.signIn.email({ email, password: PASSWORD }));
  await until(user.id);
  ok(await auth.signOut());
  await until(null);
  stop();
});

test("useSession shows a change of the user without asking for it", async () => {
  const { auth } = await signedUp("Noor");
  const seen = [];
  const stop = auth.useSession.subscribe((value) => seen.push(value.data?.user?.name));
  const until = async (name) => {
    for (let i = 0; i < 100 && seen.at(-1) !== name; i += 1) await new Promise((r) => setTimeout(r, 20));
    assert.equal(seen.at(-1), name);
  };
  ok(await auth.updateUser({ name: "Noor Two" }));
  await until("Noor Two");
  ok(await auth.updateUser({ name: "Noor Three" }));
  await until("Noor Three");
  stop();
});

test("sign-in with a provider sends the page there", async () => {
  const { url } = ok(await new Browser().client().signIn.social({ provider: "testidp" }));
  assert.equal(globalThis.window.location.href, url);
  globalThis.window.location.href = `${ORIGIN}/`;
  const stay = { provider: "testidp", disableRedirect: true };
  assert.equal(ok(await new Browser().client().signIn.social(stay)).redirect, false);
  assert.equal(globalThis.window.location.href, `${ORIGIN}/`);
});
