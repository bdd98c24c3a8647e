import "server-only";

import { getLocale } from "next-intl/server";
import { cookies, headers } from "next/headers";
import { notFound, redirect } from "next/navigation";
import createClient from "openapi-fetch";
import { cache } from "react";

import { languageOf } from "@/lib/locale";
import { settings } from "@/lib/settings";

import { inLanguage, type Phrases } from "./phrases";
import { keepProfile, keptProfile } from "./profiles";
import { ApiProblem, asProblem, type Problem, unreachable } from "./problem";
import type { paths } from "./schema";
import { cookieName, open, type Session } from "./session";
import type { Me } from "./types";

/** An answer of the gateway takes no longer, or the part of the page that needs it says so. */
const TIMEOUT_MS = 8_000;

/** The session of this request. */
export const session = cache(async (): Promise<Session | undefined> => open((await cookies()).get(cookieName(settings().isSecure))?.value));

/** What the shipped templates say in the reader's language; nothing in English, which they are written in. */
export const phrases = cache(async (): Promise<Phrases> => (languageOf(await getLocale()) === "es" ? (await import("../../messages/shipped/es.json")).default : {}));

/** The gateway's client for this request, with the caller's token. */
export const api = cache(async () => {
  const current = await session();
  const incoming = await headers();
  const forwarded = incoming.get("x-forwarded-for");
  const client = createClient<paths>({
    baseUrl: settings().gatewayUrl,
    headers: {
      ...(current ? { authorization: `Bearer ${current.accessToken}` } : {}),
      ...(forwarded ? { "x-forwarded-for": forwarded } : {}),
    },
    cache: "no-store",
    fetch: (request: Request) => fetch(new Request(request, { signal: AbortSignal.timeout(TIMEOUT_MS) })),
  });
  client.use(inLanguage(phrases));
  return client;
});

type Answer<Data> = { data?: Data; error?: unknown; response: Response };
export type Outcome<Data> = { data: Data; problem?: undefined } | { data?: undefined; problem: Problem };

/** The answer, or the problem in its place: for a part of a page that may fail alone. */
export async function attempt<Data>(asked: Promise<Answer<Data>>): Promise<Outcome<Data>> {
  let answer: Answer<Data>;
  try {
    answer = await asked;
  } catch {
    return { problem: unreachable() };
  }
  if (answer.response.ok) return { data: answer.data as Data };
  if (answer.response.status === 401) return endSession();
  return { problem: asProblem(answer.error, answer.response.status) };
}

/** The answer that a page cannot do without: 404 shows the page for it, 401 leads to the login, the rest is an error. */
export async function must<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  const { data, problem } = await attempt(asked);
  if (!problem) return data;
  if (problem.status === 404) notFound();
  throw new ApiProblem(problem);
}

async function endSession(): Promise<never> {
  const path = (await headers()).get("x-path") ?? "/";
  redirect(`/session/ended?next=${encodeURIComponent(path)}`);
}

/** Who is signed in. */
export const me = cache(async (): Promise<Me> => {
  const token = (await session())?.accessToken;
  if (!token) return endSession();
  const kept = keptProfile(token);
  if (kept) return kept;
  const found = await must((await api()).GET("/api/auth/me"));
  keepProfile(token, found);
  return found;
});
