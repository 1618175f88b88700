import assert from "node:assert/strict";
import test from "node:test";
import { Browser, mail, mailsTo, ok, ORIGIN, PASSWORD, person, refused, signedUp } from "../harness.mjs";

const seconds = 1000;

test("e-mail verification: the link of the mail verifies and signs in", async () => {
  const { email, auth, user } = await signedUp("Vera", { callbackURL: "/welcome" });
  const { url } = await mail(email, "verify-email");
  const browser = new Browser();
  const { url: end } = await browser.visit(url);
  assert.equal(end.href, `${ORIGIN}/welcome`);
  assert.equal(ok(await auth.getSession()).user.emailVerified, true);
  assert.equal(ok(await browser.client().getSession()).user.id, user.id);
});

test("e-mail verification: by token, again on request, and never twice", async () => {
  const { email, auth } = await signedUp("Walt");
  assert.deepEqual(ok(await auth.sendVerificationEmail({ email })), { status: true });
  assert.equal((await mailsTo(email)).length, 2);
  const { token } = await mail(email, "verify-email");
  ok(await auth.verifyEmail({ query: { token } }));
  assert.equal(ok(await auth.getSession()).user.emailVerified, true);
  refused(await auth.sendVerificationEmail({ email }), 400, "EMAIL_ALREADY_VERIFIED");
  refused(await auth.verifyEmail({ query: { token: "x.y.z" } }), 401, "INVALID_TOKEN");
});

test("e-mail verification: a forged link ends at the callback with an error", async () => {
  const { email } = await signedUp("Xena");
  const { url } = await mail(email, "verify-email");
  const address = new URL(url);
  const parts = address.searchParams.get("token").split(".");
  address.searchParams.set("token", `${parts[0]}.${parts[1]}.${"A".repeat(43)}`);
  address.searchParams.set("callbackURL", "/welcome");
  const { url: end } = await new Browser().visit(address);
  assert.equal(end.href, `${ORIGIN}/welcome?error=INVALID_TOKEN`);
});

test("password reset: through the mail, once", async () => {
  const { email, auth } = await signedUp("Yara");
  const browser = new Browser();
  const client = browser.client();
  const asked = ok(await client.requestPasswordReset({ email, redirectTo: "/reset" }));
  assert.equal(asked.status, true);
  const { url } = await mail(email, "reset-password");
  const { url: end } = await browser.visit(url);
  assert.equal(end.pathname, "/reset");
  const token = end.searchParams.get("token");
  const newPassword = "a-new-password";
  assert.deepEqual(ok(await client.resetPassword({ newPassword, token })), { status: true });
  refused(await client.resetPassword({ newPassword, token }), 400, "INVALID_TOKEN");
  const old = await client.signIn.email({ email, password: PASSWORD });
  refused(old, 401, "INVALID_EMAIL_OR_PASSWORD");
  ok(await client.signIn.email({ email, password: newPassword }));
  // By default the other sessions go on, as with Better Auth.
  assert.notEqual(ok(await auth.getSession()), null);
});

test("password reset: an unknown address gets the same answer and no mail", async () => {
  const { email } = await signedUp("Zack");
  const auth = new Browser().client();
  const nobody = person("Ghost").email;
  const known = ok(await auth.requestPasswordReset({ email, redirectTo: "/reset" }));
  const unknown = ok(await auth.requestPasswordReset({ email: nobody, redirectTo: "/reset" }));
  assert.deepEqual(known, unknown);
  assert.equal((await mailsTo(nobody)).length, 0);
});

test("password reset: a link that is none ends with an error", async () => {
  const link = `${ORIGIN}/api/auth/reset-password/${"x".repeat(24)}?callbackURL=%2Freset`;
  const { url } = await new Browser().visit(link);
  assert.equal(url.href, `${ORIGIN}/reset?error=INVALID_TOKEN`);
});

test("change-email: the old address agrees, the new one is verified", async () => {
  const { email, auth, browser } = await signedUp("Abel");
  await browser.visit((await mail(email, "verify-email")).url);
  const newEmail = person("Abel-two").email;
  const asked = ok(await auth.changeEmail({ newEmail, callbackURL: "/changed" }));
  assert.equal(asked.status, true);
  assert.equal(ok(await auth.getSession()).user.email, email);
  await browser.visit((await mail(email, "change-email-confirm")).url);
  assert.equal(ok(await auth.getSession()).user.email, email);
  const { url } = await browser.visit((await mail(newEmail, "verify-email")).url);
  assert.equal(url.pathname, "/changed");
  const { user } = ok(await auth.getSession());
  assert.deepEqual([user.email, user.emailVerified], [newEmail, true]);
  ok(await new Browser().client().signIn.email({ email: newEmail, password: PASSWORD }));
  const old = await new Browser().client().signIn.email({ email, password: PASSWORD });
  refused(old, 401, "INVALID_EMAIL_OR_PASSWORD");
});

test("change-email: an unverified address has nothing to say", async () => {
  const { auth, browser } = await signedUp("Beth");
  const newEmail = person("Beth-two").email;
  ok(await auth.changeEmail({ newEmail }));
  await browser.visit((await mail(newEmail, "verify-email")).url, () => true);
  assert.equal(ok(await auth.getSession()).user.email, newEmail);
});

test("change-email: another person's address gets the same answer and no mail", async () => {
  const { auth, email } = await signedUp("Cleo");
  const other = await signedUp("Dora");
  const before = (await mailsTo(other.email)).length;
  assert.equal(ok(await auth.changeEmail({ newEmail: other.email })).status, true);
  assert.equal((await mailsTo(other.email)).length, before);
  assert.equal(ok(await auth.getSession()).user.email, email);
});

test("delete-user: with the password, and everything is gone", async () => {
  const { auth, email, browser } = await signedUp("Ella");
  refused(await auth.deleteUser({ password: "not-the-password" }), 400, "INVALID_PASSWORD");
  const deleted = ok(await auth.deleteUser({ password: PASSWORD }));
  assert.equal(deleted.success, true);
  assert.equal(browser.cookie("session_token"), undefined);
  const again = await auth.signIn.email({ email, password: PASSWORD });
  refused(again, 401, "INVALID_EMAIL_OR_PASSWORD");
  ok(await auth.signUp.email({ email, name: "Ella again", password: PASSWORD }));
});

test("delete-user: without the password while the session is fresh", async () => {
  const { auth } = await signedUp("Finn");
  assert.equal(ok(await auth.deleteUser()).success, true);
  assert.equal(ok(await auth.getSession()), null);
});

test("mails are there when the request has been answered", { timeout: 60 * seconds }, async () => {
  await Promise.all(
    Array.from({ length: 6 }, async (_, number) => {
      const { email } = await signedUp(`Burst${number}`);
      assert.equal((await mailsTo(email)).length, 1);
    }),
  );
});
