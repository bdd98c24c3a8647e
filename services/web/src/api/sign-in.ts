import "server-only";

import { cookies, headers } from "next/headers";

import { YEAR_SECONDS } from "@/lib/appearance";
import { settings } from "@/lib/settings";

import { isSameOrigin } from "./csrf";
import { asProblem, type ProblemCode, unreachable } from "./problem";
import { cookieName, cookieOptions, seal, sessionOf, type Tokens } from "./session";
import type { Me } from "./types";

/** Checking a password takes a while on purpose; longer than this the gateway is taken as unavailable. */
const TIMEOUT_MS = 20_000;
/** The language of the first page is worth no longer wait. */
const PROFILE_TIMEOUT_MS = 2_000;
/** No form of ours comes near. */
const BODY_BYTES = 16 * 1024;

/**
 * Passes the form of somebody who is not signed in on to a route of the gateway. A refusal is answered as the gateway says it.
 */
async function pass(request: Request, path: string): Promise<{ answered: unknown } | { refusal: Response }> {
  const { gatewayUrl, publicUrl } = settings();
  if (!isSameOrigin(request.headers, publicUrl)) return { refusal: refusal(403, "FORBIDDEN") };
  const body = await request.text();
  if (body.length > BODY_BYTES) return { refusal: refusal(413, "PAYLOAD_TOO_LARGE") };
  const incoming = await headers();
  const [forwarded, client] = [incoming.get("x-forwarded-for"), incoming.get("user-agent")];
  let answer: Response;
  try {
    answer = await fetch(`${gatewayUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(forwarded ? { "x-forwarded-for": forwarded } : {}), ...(client ? { "user-agent": client } : {}) },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch {
    return { refusal: refusal(503, "SERVICE_UNAVAILABLE") };
  }
  const answered: unknown = answer.status === 204 ? undefined : await answer.json().catch(() => undefined);
  if (answer.ok) return { answered };
  const retry = answer.headers.get("retry-after");
  return { refusal: Response.json(asProblem(answered, answer.status), { status: answer.status, headers: retry ? { "retry-after": retry } : {} }) };
}

/** A form that opens no session: only whether it was taken is answered. */
export async function passOn(request: Request, path: string): Promise<Response> {
  const passed = await pass(request, path);
  return "refusal" in passed ? passed.refusal : new Response(null, { status: 204 });
}

/** A form that opens a session: the tokens go into the cookie and not into the answer, which names the user alone. */
export async function signIn(request: Request, path: string): Promise<Response> {
  const passed = await pass(request, path);
  if ("refusal" in passed) return passed.refusal;
  const { isSecure } = settings();
  const { user, ...tokens } = passed.answered as Tokens & { user: unknown };
  const sealed = await seal(sessionOf(tokens, Math.floor(Date.now() / 1000)));
  const jar = await cookies();
  jar.set(cookieName(isSecure), sealed, cookieOptions(isSecure));
  await followProfile(jar, tokens.accessToken);
  return Response.json({ user });
}

/** The first page is in the reader's language and theme already. Where the profile does not come, the page follows it later. */
async function followProfile(jar: Awaited<ReturnType<typeof cookies>>, accessToken: string): Promise<void> {
  try {
    const answer = await fetch(`${settings().gatewayUrl}/api/auth/me`, {
      headers: { authorization: `Bearer ${accessToken}` },
      signal: AbortSignal.timeout(PROFILE_TIMEOUT_MS),
      cache: "no-store",
    });
    if (!answer.ok) return;
    const { locale, theme } = (await answer.json()) as Me;
    const kept = { path: "/", sameSite: "lax", maxAge: YEAR_SECONDS } as const;
    if (locale) jar.set("locale", locale, kept);
    if (theme === "system") jar.delete("theme");
    else jar.set("theme", theme, kept);
  } catch {
    return;
  }
}

function refusal(status: number, code: ProblemCode): Response {
  return Response.json({ ...unreachable(), status, code }, { status });
}
