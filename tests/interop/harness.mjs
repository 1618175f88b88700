// A browser of sorts for the flows: cookies as one would keep them, an origin, redirects on request.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { createAuthClient } from "better-auth/client";
import { CookieJar } from "tough-cookie";

export const ORIGIN = process.env.INTEROP_URL;
export const AUTH = `${ORIGIN}/api/auth`;
export const PASSWORD = "correct-horse-battery";
// Stands in every name, address and header that a flow sends: looked for on disk afterwards.
const MARK = process.env.INTEROP_MARK;
const ADDRESS = process.env.INTEROP_ADDRESS;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

let people = 0;

/** Somebody new, with marks. */
export function person(name) {
  people += 1;
  const email = `${name}-${process.pid}-${people}@${MARK}.example`.toLowerCase();
  return { email, name: `${name} ${MARK}`, password: PASSWORD };
}

/** Remember a secret that must stand nowhere on disk. */
export function secret(kind, value) {
  assert.equal(typeof value, "string", `no ${kind}`);
  appendFileSync(process.env.INTEROP_SECRETS, `${JSON.stringify({ kind, value })}\n`);
  return value;
}

export class Browser {
  constructor({ origin = ORIGIN, agent = `Browser/1.0 (${MARK})` } = {}) {
    this.origin = origin;
    this.agent = agent;
    this.jar = new CookieJar();
    this.answers = [];
  }

  /** `fetch` as a page of `origin` has it. */
  fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    if (url.origin === this.origin) headers.set("sec-fetch-site", "same-origin");
    if ((init.method ?? "GET") !== "GET") headers.set("origin", this.origin);
    return this.#send(url, { ...init, headers });
  };

  /** Follow a link as one would click it; ends at the first address that `until` accepts. */
  async visit(address, until = (url) => url.origin === ORIGIN && !url.pathname.startsWith("/api/")) {
    let url = new URL(address);
    for (let hops = 0; hops < 10; hops += 1) {
      if (hops && until(url)) return { url, answer: null };
      const headers = new Headers({ "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" });
      const answer = await this.#send(url, { headers, redirect: "manual" });
      if (!REDIRECTS.has(answer.status)) return { url, answer };
      url = new URL(answer.headers.get("location"), url);
    }
    throw new Error(`too many redirects: ${url}`);
  }

  /** Close it and open it again: cookies without an end are gone. */
  restart() {
    const kept = this.jar.serializeSync();
    kept.cookies = kept.cookies.filter((cookie) => cookie.maxAge != null || cookie.expires != null);
    this.jar = CookieJar.deserializeSync(kept);
    return this;
  }

  cookie(name) {
    return this.jar.getCookiesSync(ORIGIN).find((cookie) => cookie.key === `better-auth.${name}`);
  }

  /** The official client, in this browser. */
  client(...plugins) {
    return createAuthClient({
      baseURL: ORIGIN,
      plugins,
      fetchOptions: { customFetchImpl: this.fetch },
    });
  }

  async #send(url, init) {
    const cookies = await this.jar.getCookieString(url.href);
    if (cookies) init.headers.set("cookie", cookies);
    init.headers.set("user-agent", this.agent);
    if (url.origin === ORIGIN) init.headers.set("x-forwarded-for", ADDRESS);
    const answer = await fetch(url, init);
    for (const line of answer.headers.getSetCookie()) await this.jar.setCookie(line, url.href);
    const token = answer.headers.get("set-auth-token");
    if (token) secret("session token", token.split(".")[0]);
    this.answers.push(answer);
    return answer;
  }
}

/** The data of a result of the client; fails with its error. */
export function ok({ data, error }) {
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

/** The result must be this error. */
export function refused({ data, error }, status, code) {
  assert.equal(data, null, JSON.stringify(data));
  assert.equal(error.status, status, JSON.stringify(error));
  assert.equal(error.code, code);
  return error;
}

/** Sign somebody up in a browser of their own. */
export async function signedUp(name, more = {}) {
  const browser = new Browser();
  const auth = browser.client();
  const who = person(name);
  const data = ok(await auth.signUp.email({ ...who, ...more }));
  return { ...who, browser, auth, token: data.token, user: data.user };
}

/** The newest mail of a kind to somebody. */
export async function mail(to, kind) {
  const answer = await fetch(`${ORIGIN}/test-outbox`);
  const mails = (await answer.json()).filter((entry) => entry.to === to && entry.kind === kind);
  assert.ok(mails.length, `no ${kind} mail to ${to}`);
  const found = mails.at(-1);
  assert.ok(found.url.startsWith(ORIGIN) && found.body.includes(found.url) && found.subject);
  secret("mailed token", found.token);
  return found;
}

export async function mailsTo(to) {
  const answer = await fetch(`${ORIGIN}/test-outbox`);
  return (await answer.json()).filter((entry) => entry.to === to);
}

/** Sign in at the provider and come back; the address in the end. */
export async function throughProvider(browser, url, parameters) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return (await browser.visit(address)).url;
}
