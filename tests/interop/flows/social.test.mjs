import assert from "node:assert/strict";
import test from "node:test";
import { AUTH, Browser, mail, ok, ORIGIN, PASSWORD, person, refused, secret, signedUp, throughProvider } from "../harness.mjs";

const PROVIDER = "testidp";

async function signInAtProvider(browser, auth, parameters, more = {}) {
  const body = { provider: PROVIDER, callbackURL: "/done", errorCallbackURL: "/failed", ...more };
  const { url, redirect } = ok(await auth.signIn.social(body));
  assert.equal(redirect, true);
  assert.ok(url.startsWith(process.env.INTEROP_PROVIDER));
  return throughProvider(browser, url, parameters);
}

const accountAt = async (auth, providerId) =>
  ok(await auth.listAccounts()).find((account) => account.providerId === providerId);

test("social sign-in makes an account, and finds it again", async () => {
  const { email } = person("social");
  const ids = [];
  for (const expected of ["/new", "/done"]) {
    const browser = new Browser();
    const auth = browser.client();
    const end = await signInAtProvider(browser, auth, { test_user: email }, { newUserCallbackURL: "/new" });
    assert.equal(end.pathname, expected);
    const { user } = ok(await auth.getSession());
    assert.deepEqual([user.email, user.emailVerified], [email, true]);
    ids.push(user.id);
  }
  assert.equal(ids[0], ids[1]);
});

test("social sign-in: what the provider refuses ends at errorCallbackURL", async () => {
  const browser = new Browser();
  const auth = browser.client();
  const end = await signInAtProvider(browser, auth, { test_error: "access_denied" });
  assert.equal(end.pathname, "/failed");
  assert.equal(end.searchParams.get("error"), "access_denied");
  assert.equal(ok(await auth.getSession()), null);
});

test("social sign-in: an unknown provider is refused", async () => {
  const result = await new Browser().client().signIn.social({ provider: "nobody" });
  refused(result, 404, "PROVIDER_NOT_FOUND");
});

test("social sign-in: the state belongs to the browser that began", async () => {
  const { email } = person("state");
  const begun = new Browser();
  const { url } = ok(await begun.client().signIn.social({ provider: PROVIDER, callbackURL: "/done" }));
  const other = new Browser();
  const address = new URL(url);
  address.searchParams.set("test_user", email);
  const { url: end } = await other.visit(address, (at) => at.pathname === "/api/auth/error");
  assert.equal(end.searchParams.get("error"), "state_mismatch");
  assert.equal(ok(await other.client().getSession()), null);
});

test("social sign-in: an unverified local address is never linked", async () => {
  const { email, auth } = await signedUp("Squat");
  const browser = new Browser();
  const end = await signInAtProvider(browser, browser.client(), { test_user: email });
  assert.equal(end.searchParams.get("error"), "account_not_linked");
  assert.equal(await accountAt(auth, PROVIDER), undefined);
});

test("social sign-in: a verified local address is linked", async () => {
  const { email, browser, user } = await signedUp("Linked");
  await browser.visit((await mail(email, "verify-email")).url, () => true);
  const other = new Browser();
  const auth = other.client();
  assert.equal((await signInAtProvider(other, auth, { test_user: email })).pathname, "/done");
  assert.equal(ok(await auth.getSession()).user.id, user.id);
  const providers = ok(await auth.listAccounts()).map((account) => account.providerId);
  assert.deepEqual(providers.sort(), ["credential", PROVIDER]);
});

test("social sign-in: an account that the provider did not verify gets a verification mail", async () => {
  const { email } = person("unverified");
  const browser = new Browser();
  const auth = browser.client();
  await signInAtProvider(browser, auth, { test_user: email, test_verified: "0" });
  assert.equal(ok(await auth.getSession()).user.emailVerified, false);
  await browser.visit((await mail(email, "verify-email")).url, () => true);
  assert.equal(ok(await auth.getSession()).user.emailVerified, true);
});

test("link-social links to the signed-in user, unlink-account removes it again", async () => {
  const { email, browser, auth } = await signedUp("Linker");
  const { url } = ok(await auth.linkSocial({ provider: PROVIDER, callbackURL: "/linked" }));
  const end = await throughProvider(browser, url, { test_user: email });
  assert.equal(end.pathname, "/linked");
  const account = await accountAt(auth, PROVIDER);
  assert.deepEqual(account.scopes, ["openid", "email", "profile"]);
  assert.equal(ok(await auth.getSession()).user.emailVerified, true);
  assert.deepEqual(ok(await auth.unlinkAccount({ accountId: account.id })), { status: true });
  assert.equal(await accountAt(auth, PROVIDER), undefined);
  const { id } = await accountAt(auth, "credential");
  refused(await auth.unlinkAccount({ accountId: id }), 400, "FAILED_TO_UNLINK_LAST_ACCOUNT");
});

test("unlink-account takes the body of 1.4, too", async () => {
  const { email, browser, auth } = await signedUp("Older");
  const { url } = ok(await auth.linkSocial({ provider: PROVIDER, callbackURL: "/linked" }));
  await throughProvider(browser, url, { test_user: email });
  assert.deepEqual(ok(await auth.unlinkAccount({ providerId: PROVIDER })), { status: true });
  assert.equal(await accountAt(auth, PROVIDER), undefined);
});

test("link-social does not take another person's account", async () => {
  const owner = await signedUp("Owner");
  const first = ok(await owner.auth.linkSocial({ provider: PROVIDER, callbackURL: "/linked" }));
  await throughProvider(owner.browser, first.url, { test_user: owner.email });
  const thief = await signedUp("Thief");
  const body = { provider: PROVIDER, callbackURL: "/linked", errorCallbackURL: "/failed" };
  const { url } = ok(await thief.auth.linkSocial(body));
  const end = await throughProvider(thief.browser, url, { test_user: owner.email });
  assert.equal(end.pathname, "/failed");
  assert.equal(await accountAt(thief.auth, PROVIDER), undefined);
});

test("getAccessToken, refreshToken and accountInfo reach the provider", async () => {
  const { email } = person("tokens");
  const browser = new Browser();
  const auth = browser.client();
  await signInAtProvider(browser, auth, { test_user: email });
  const { id, accountId } = await accountAt(auth, PROVIDER);
  const given = ok(await auth.getAccessToken({ accountId: id }));
  assert.match(secret("provider token", given.accessToken), /^at-/);
  assert.ok(given.accessTokenExpiresAt instanceof Date);
  assert.deepEqual(given.scopes, ["openid", "email", "profile"]);
  assert.equal(given.idToken.split(".").length, 3);
  secret("provider token", given.idToken);
  const renewed = ok(await auth.refreshToken({ accountId: id }));
  assert.notEqual(secret("provider token", renewed.accessToken), given.accessToken);
  secret("provider token", renewed.refreshToken);
  assert.equal(ok(await auth.getAccessToken({ accountId: id })).accessToken, renewed.accessToken);
  assert.equal(ok(await auth.getAccessToken({ providerId: PROVIDER })).accessToken, renewed.accessToken);
  const info = ok(await auth.accountInfo({ query: { accountId: id } }));
  assert.equal(info.user.email, email);
  assert.equal(info.account.accountId, accountId);
});

test("getAccessToken: another person's account is not found", async () => {
  const browser = new Browser();
  const auth = browser.client();
  await signInAtProvider(browser, auth, { test_user: person("mine").email });
  const { id } = await accountAt(auth, PROVIDER);
  const other = await signedUp("Curious");
  refused(await other.auth.getAccessToken({ accountId: id }), 400, "ACCOUNT_NOT_FOUND");
});

test("sign-in with an ID token of the provider needs no redirect", async () => {
  const { email } = person("idtoken");
  const answer = await fetch(`${process.env.INTEROP_PROVIDER}/id-token?email=${encodeURIComponent(email)}`);
  const token = await answer.text();
  const auth = new Browser().client();
  const data = ok(await auth.signIn.social({ provider: PROVIDER, idToken: { token } }));
  assert.deepEqual([data.redirect, data.user.email], [false, email]);
  assert.equal(ok(await auth.getSession()).user.email, email);
  const bad = `${token.slice(0, -8)}AAAAAAAA`;
  const forged = await new Browser().client().signIn.social({ provider: PROVIDER, idToken: { token: bad } });
  refused(forged, 401, "INVALID_TOKEN");
});

test("somebody of a provider sets no password over HTTP, and can reset one", async () => {
  const { email } = person("passwordless");
  const browser = new Browser();
  const auth = browser.client();
  await signInAtProvider(browser, auth, { test_user: email });
  const set = await browser.fetch(`${AUTH}/set-password`, { method: "POST", body: "{}" });
  assert.equal(set.status, 404);
  ok(await auth.requestPasswordReset({ email, redirectTo: "/reset" }));
  const { token } = await mail(email, "reset-password");
  ok(await auth.resetPassword({ newPassword: PASSWORD, token }));
  ok(await new Browser().client().signIn.email({ email, password: PASSWORD }));
  assert.ok(ORIGIN);
});
