/** The server: accounts and sessions through Better Auth's own client, and the user's events. */
import { createAuthClient } from "better-auth/client";
import { recordedFetch } from "./ledger.js";

const API = "/api/auth";
export const JWKS_ADDRESS = new URL(`${API}/jwks`, location.origin);

const client = createAuthClient({
  baseURL: location.origin,
  basePath: API,
  fetchOptions: { customFetchImpl: recordedFetch },
});

/** The server refused; `code` says why, in Better Auth's words. */
export class ApiError extends Error {
  constructor({ code = "", message = "", status = 0 }) {
    super(message || `The server answered with status ${status}.`);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }
}

/** @returns {Promise<{user: object, session: object} | null>} who is signed in */
export const currentSession = () => answerOf(client.getSession());

/** Make an account that gets the id of the identity which made the proof. */
export const signUp = (account, proofToken) =>
  answerOf(client.signUp.email({ ...account, proofToken }));

export const signIn = (credentials) => answerOf(client.signIn.email(credentials));

export const signOut = () => answerOf(client.signOut());

export const rename = (name) => answerOf(client.updateUser({ name }));

/** @returns {Promise<string>} a JWT for the signed-in user */
export const freshToken = async () => (await answerOf(client.$fetch("/token"))).token;

/** @returns {Promise<{stream: string, total: number, events: object[]}>} newest first */
export async function ownEvents() {
  const answer = await answering(() => recordedFetch("/events"));
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError({ ...body, status: answer.status });
  return body;
}

async function answerOf(call) {
  const { data, error } = await answering(() => call);
  if (error) throw new ApiError(error);
  return data;
}

async function answering(call) {
  try {
    return await call();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new ApiError({ code: "NO_ANSWER", message: "The server does not answer. Is it running?" });
  }
}
