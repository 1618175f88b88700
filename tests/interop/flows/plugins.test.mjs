import assert from "node:assert/strict";
import test from "node:test";
import {
  anonymousClient,
  lastLoginMethodClient,
  multiSessionClient,
  oneTimeTokenClient,
  usernameClient,
} from "better-auth/client/plugins";
import { Browser, ok, ORIGIN, PASSWORD, person, refused, secret, signedUp, throughProvider } from "../harness.mjs";

let names = 0;
const newName = () => `User_${process.pid}_${(names += 1)}`;

/** What a page of `browser` sees as `document`: the cookies that scripts may read and write. */
function showPage(browser) {
  const readable = () => browser.jar.getCookiesSync(ORIGIN).filter((cookie) => !cookie.httpOnly);
  globalThis.document = {
    get cookie() {
      return readable().map((cookie) => cookie.cookieString()).join("; ");
    },
    set cookie(line) {
      browser.jar.setCookieSync(line, ORIGIN, { http: false });
    },
  };
}

test("username: sign-up with one, sign-in by it in whatever case", async () => {
  const username = newName();
  const { user } = await signedUp("Named", { username });
  assert.deepEqual([user.username, user.displayUsername], [username.toLowerCase(), username]);
  const browser = new Browser();
  const auth = browser.client(usernameClient());
  const signedIn = ok(await auth.signIn.username({ username: username.toUpperCase(), password: PASSWORD }));
  assert.equal(signedIn.user.id, user.id);
  assert.equal(ok(await auth.getSession()).user.username, username.toLowerCase());
});

test("username: wrong, unknown, taken, malformed", async () => {
  const username = newName();
  await signedUp("Taken", { username });
  const auth = new Browser().client(usernameClient());
  for (const body of [{ username, password: "not-the-password" }, { username: newName(), password: PASSWORD }]) {
    refused(await auth.signIn.username(body), 401, "INVALID_USERNAME_OR_PASSWORD");
  }
  assert.deepEqual(ok(await auth.isUsernameAvailable({ username })), { available: false });
  assert.deepEqual(ok(await auth.isUsernameAvailable({ username: newName() })), { available: true });
  const twice = await auth.signUp.email({ ...person("Twice"), username });
  refused(twice, 400, "USERNAME_IS_ALREADY_TAKEN");
  const odd = await auth.signUp.email({ ...person("Odd"), username: "no spaces" });
  refused(odd, 400, "INVALID_USERNAME");
});

test("username: changed by update-user", async () => {
  const { browser } = await signedUp("Renamed", { username: newName() });
  const auth = browser.client(usernameClient());
  const username = newName();
  ok(await auth.updateUser({ username }));
  assert.equal(ok(await auth.getSession()).user.username, username.toLowerCase());
});

test("anonymous: a guest has a session, and becomes a user", async () => {
  const browser = new Browser();
  const auth = browser.client(anonymousClient());
  const guest = ok(await auth.signIn.anonymous());
  assert.equal(guest.user.isAnonymous, true);
  assert.equal(ok(await auth.getSession()).user.id, guest.user.id);
  refused(await auth.signIn.anonymous(), 400, "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY");
  const data = ok(await auth.signUp.email(person("Former-guest")));
  assert.notEqual(data.user.id, guest.user.id);
  const { user } = ok(await auth.getSession());
  assert.deepEqual([user.id, user.isAnonymous], [data.user.id, false]);
});

test("anonymous: a guest may delete themselves", async () => {
  const browser = new Browser();
  const auth = browser.client(anonymousClient());
  ok(await auth.signIn.anonymous());
  assert.equal(ok(await auth.deleteAnonymousUser()).success, true);
  assert.equal(ok(await auth.getSession()), null);
  const { browser: other } = await signedUp("Somebody");
  refused(await other.client(anonymousClient()).deleteAnonymousUser(), 403, "USER_IS_NOT_ANONYMOUS");
});

test("multi-session: two people in one browser, and back and forth", async () => {
  const first = await signedUp("First");
  const second = await signedUp("Second");
  const browser = new Browser();
  const auth = browser.client(multiSessionClient());
  const tokens = [];
  for (const { email } of [first, second]) {
    tokens.push(ok(await auth.signIn.email({ email, password: PASSWORD })).token);
  }
  const listed = ok(await auth.multiSession.listDeviceSessions());
  assert.deepEqual(listed.map(({ user }) => user.email).sort(), [first.email, second.email].sort());
  assert.equal(ok(await auth.getSession()).user.email, second.email);
  ok(await auth.multiSession.setActive({ sessionToken: tokens[0] }));
  assert.equal(ok(await auth.getSession()).user.email, first.email);
  ok(await auth.multiSession.revoke({ sessionToken: tokens[0] }));
  assert.equal(ok(await auth.getSession()).user.email, second.email);
  assert.equal(ok(await auth.multiSession.listDeviceSessions()).length, 1);
  const foreign = await auth.multiSession.setActive({ sessionToken: first.token });
  refused(foreign, 401, "INVALID_SESSION_TOKEN");
});

test("one-time token: hands a session on, once", async () => {
  const { browser, user } = await signedUp("Handed");
  const { token } = ok(await browser.client(oneTimeTokenClient()).oneTimeToken.generate());
  secret("one-time token", token);
  const other = new Browser();
  const auth = other.client(oneTimeTokenClient());
  const verified = ok(await auth.oneTimeToken.verify({ token }));
  assert.equal(verified.user.id, user.id);
  assert.equal(ok(await auth.getSession()).user.id, user.id);
  const again = await new Browser().client(oneTimeTokenClient()).oneTimeToken.verify({ token });
  assert.equal(again.error.status, 400);
});

test("last login method: the page sees how one signed in", async () => {
  const { email } = await signedUp("Method");
  const browser = new Browser();
  showPage(browser);
  const auth = browser.client(lastLoginMethodClient());
  assert.equal(auth.getLastUsedLoginMethod(), null);
  ok(await auth.signIn.email({ email, password: PASSWORD }));
  assert.equal(auth.getLastUsedLoginMethod(), "email");
  assert.equal(auth.isLastUsedLoginMethod("email"), true);
  const { url } = ok(await auth.signIn.social({ provider: "testidp", callbackURL: "/done" }));
  await throughProvider(browser, url, { test_user: person("method").email });
  assert.equal(auth.getLastUsedLoginMethod(), "testidp");
  auth.clearLastUsedLoginMethod();
  assert.equal(auth.getLastUsedLoginMethod(), null);
});
