import assert from "node:assert/strict";
import test from "node:test";
import { Browser, ok, PASSWORD, person, refused, signedUp } from "../harness.mjs";

test("sign-up signs in, and the session is there", async () => {
  const who = await signedUp("Alice");
  assert.equal(who.user.email, who.email);
  assert.equal(who.user.name, who.name);
  assert.equal(who.user.emailVerified, false);
  assert.ok(who.user.createdAt instanceof Date);
  const { session, user } = ok(await who.auth.getSession());
  assert.equal(user.id, who.user.id);
  assert.equal(session.userId, who.user.id);
  assert.equal(session.token, who.token);
  assert.equal(session.userAgent, who.browser.agent);
  assert.equal(session.ipAddress, process.env.INTEROP_ADDRESS);
  assert.ok(session.expiresAt - Date.now() > 6.9 * 86_400_000);
});

test("sign-up: a second account with the address is refused, in whatever case", async () => {
  const { email, name } = await signedUp("Bob");
  const again = { email: email.toUpperCase(), name, password: PASSWORD };
  const result = await new Browser().client().signUp.email(again);
  refused(result, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
});

test("sign-up: passwords too short or too long, and no address, are refused", async () => {
  const auth = new Browser().client();
  const who = person("Carol");
  refused(await auth.signUp.email({ ...who, password: "short" }), 400, "PASSWORD_TOO_SHORT");
  refused(await auth.signUp.email({ ...who, password: "x".repeat(129) }), 400, "PASSWORD_TOO_LONG");
  refused(await auth.signUp.email({ ...who, email: "nobody" }), 400, "VALIDATION_ERROR");
  assert.equal(ok(await auth.getSession()), null);
});

test("sign-up: two at once with one address make one account", async () => {
  const who = person("Race");
  const results = await Promise.all(
    Array.from({ length: 4 }, () => new Browser().client().signUp.email(who)),
  );
  assert.equal(results.filter(({ error }) => error === null).length, 1);
  for (const result of results.filter(({ error }) => error !== null)) {
    refused(result, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
  }
});

test("sign-in: right, wrong and unknown", async () => {
  const { email, user } = await signedUp("Dave");
  const browser = new Browser();
  const auth = browser.client();
  const wrong = await auth.signIn.email({ email, password: "not-the-password" });
  const unknown = await auth.signIn.email({ ...person("Nobody"), password: PASSWORD });
  const errors = [wrong, unknown].map((r) => refused(r, 401, "INVALID_EMAIL_OR_PASSWORD"));
  assert.deepEqual(errors[0], errors[1]);
  assert.equal(browser.cookie("session_token"), undefined);
  const data = ok(await auth.signIn.email({ email: email.toUpperCase(), password: PASSWORD }));
  assert.equal(data.user.id, user.id);
  assert.equal(data.redirect, false);
  assert.equal(ok(await auth.getSession()).user.id, user.id);
});

test("sign-in: callbackURL comes back, and a foreign one is refused", async () => {
  const { email } = await signedUp("Erin");
  const auth = new Browser().client();
  const data = ok(await auth.signIn.email({ email, password: PASSWORD, callbackURL: "/home" }));
  assert.deepEqual([data.redirect, data.url], [true, "/home"]);
  const elsewhere = { email, password: PASSWORD, callbackURL: "https://evil.example/" };
  refused(await auth.signIn.email(elsewhere), 403, "INVALID_CALLBACK_URL");
});

test("sign-in: from another site it is refused, from a trusted one not", async () => {
  const { email } = await signedUp("Frank");
  const evil = new Browser({ origin: "https://evil.example" }).client();
  refused(await evil.signIn.email({ email, password: PASSWORD }), 403, "INVALID_ORIGIN");
  const app = new Browser({ origin: "https://app.trusted.example" }).client();
  ok(await app.signIn.email({ email, password: PASSWORD }));
});

test("rememberMe: with it the session outlives the browser, without it ends with it", async () => {
  const { email, user } = await signedUp("Grace");
  for (const [rememberMe, expected] of [[true, user.id], [undefined, user.id], [false, undefined]]) {
    const browser = new Browser();
    const auth = browser.client();
    ok(await auth.signIn.email({ email, password: PASSWORD, rememberMe }));
    const { session } = ok(await auth.getSession());
    const days = (session.expiresAt - Date.now()) / 86_400_000;
    assert.equal(Math.round(days), rememberMe === false ? 1 : 7);
    assert.equal(browser.cookie("dont_remember") !== undefined, rememberMe === false);
    browser.restart();
    assert.equal(ok(await auth.getSession())?.user.id, expected);
  }
});

test("cookies are for the server alone: HttpOnly, SameSite, the whole site", async () => {
  const { browser } = await signedUp("Heidi");
  const cookie = browser.cookie("session_token");
  assert.deepEqual(
    [cookie.httpOnly, cookie.sameSite, cookie.path, cookie.maxAge],
    [true, "lax", "/", 604800],
  );
});

test("sign-out ends the session everywhere", async () => {
  const { auth, browser } = await signedUp("Ivan");
  const stolen = new Browser();
  stolen.jar = browser.jar.cloneSync();
  assert.deepEqual(ok(await auth.signOut()), { success: true });
  assert.equal(browser.cookie("session_token"), undefined);
  assert.equal(ok(await auth.getSession()), null);
  assert.equal(ok(await stolen.client().getSession()), null);
  assert.equal(stolen.cookie("session_token"), undefined);
});

test("update-user changes name and image, and nothing else", async () => {
  const { auth, user, email } = await signedUp("Judy");
  const image = "https://img.example/judy.png";
  assert.deepEqual(ok(await auth.updateUser({ name: "Judy Two", image })), { status: true });
  const changed = ok(await auth.getSession()).user;
  assert.deepEqual([changed.name, changed.image, changed.email], ["Judy Two", image, email]);
  assert.ok(changed.updatedAt > user.updatedAt);
  refused(await auth.updateUser({ email: "other@example.com" }), 400, "EMAIL_CAN_NOT_BE_UPDATED");
  ok(await auth.updateUser({ image: null }));
  assert.equal(ok(await auth.getSession()).user.image, null);
});

test("without a session nothing is changed or told", async () => {
  const auth = new Browser().client();
  assert.equal(ok(await auth.getSession()), null);
  const calls = [
    auth.updateUser({ name: "X" }),
    auth.listSessions(),
    auth.revokeSessions(),
    auth.changePassword({ currentPassword: PASSWORD, newPassword: PASSWORD }),
    auth.listAccounts(),
    auth.deleteUser({ password: PASSWORD }),
  ];
  for (const call of calls) refused(await call, 401, "UNAUTHORIZED");
});

test("change-password: the old one must be right and counts no more", async () => {
  const { auth, email } = await signedUp("Ken");
  const other = new Browser().client();
  ok(await other.signIn.email({ email, password: PASSWORD }));
  const newPassword = "battery-staple-correct";
  const wrong = { currentPassword: "not-the-password", newPassword };
  refused(await auth.changePassword(wrong), 400, "INVALID_PASSWORD");
  const right = { currentPassword: PASSWORD, newPassword, revokeOtherSessions: true };
  const changed = ok(await auth.changePassword(right));
  assert.equal(changed.user.email, email);
  assert.ok(changed.token);
  assert.equal(ok(await auth.getSession()).session.token, changed.token);
  assert.equal(ok(await other.getSession()), null);
  const late = new Browser().client();
  const old = await late.signIn.email({ email, password: PASSWORD });
  refused(old, 401, "INVALID_EMAIL_OR_PASSWORD");
  ok(await late.signIn.email({ email, password: newPassword }));
});

test("verify-password says whether it is right", async () => {
  const { auth } = await signedUp("Leo");
  const verify = (password) => auth.$fetch("/verify-password", { method: "POST", body: { password } });
  assert.deepEqual(ok(await verify(PASSWORD)), { status: true });
  refused(await verify("not-the-password"), 400, "INVALID_PASSWORD");
});

test("passwords are compared in one normal form", async () => {
  const who = { ...person("Zoe"), password: "pa\u0301ssword-\ufb01" };
  ok(await new Browser().client().signUp.email(who));
  const auth = new Browser().client();
  ok(await auth.signIn.email({ email: who.email, password: "p\u00e1ssword-fi" }));
});
