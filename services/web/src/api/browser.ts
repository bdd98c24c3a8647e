"use client";

import createClient, { type Middleware } from "openapi-fetch";

import { languageOf } from "@/lib/locale";

import { inLanguage } from "./phrases";
import { asProblem, type Problem, unreachable } from "./problem";
import type { paths } from "./schema";

/** Where a page keeps what unsafe requests carry. */
const csrfToken = (): string => document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";

const ours: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("x-csrf-token", csrfToken());
    return request;
  },
};

/** The gateway, by way of this application, which adds the session's token. */
export const api = createClient<paths>({ baseUrl: "/gateway" });
api.use(ours);
api.use(inLanguage(async () => (languageOf(document.documentElement.lang) === "es" ? (await import("../../messages/shipped/es.json")).default : {})));

type Answer<Data> = { data?: Data; error?: unknown; response: Response };
export type Outcome<Data> = { data: Data; problem?: undefined } | { data?: undefined; problem: Problem; retryAfter?: number };

/** The answer or the problem. A session that is over leads to the login, and back here from there. */
export async function attempt<Data>(asked: Promise<Answer<Data>>): Promise<Outcome<Data>> {
  try {
    const answer = await asked;
    if (answer.response.ok) return { data: answer.data as Data };
    const problem = asProblem(answer.error, answer.response.status);
    // A wrong password is no session that is over.
    if (problem.status === 401 && problem.code !== "INVALID_CREDENTIALS") leaveForLogin();
    return { problem, retryAfter: retryAfter(answer.response) };
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    return { problem: unreachable() };
  }
}

/** Sends a form of somebody who is not signed in yet, or the sign-out. */
export async function send<Data>(path: `/session/${string}`, body?: unknown): Promise<Outcome<Data>> {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": csrfToken() },
      body: JSON.stringify(body ?? {}),
    });
    const answered: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (response.ok) return { data: answered as Data };
    return { problem: asProblem(answered, response.status), retryAfter: retryAfter(response) };
  } catch {
    return { problem: unreachable() };
  }
}

/** A key for one act: the same for each attempt at it, so that a repetition does nothing twice. */
export const newKey = (): string => crypto.randomUUID();

function leaveForLogin(): void {
  window.location.assign(`/session/ended?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
