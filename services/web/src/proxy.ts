import { type NextRequest, NextResponse } from "next/server";

import { refresh } from "@/api/refresh";
import { cookieName, cookieOptions, isStale, open, seal, type Session } from "@/api/session";
import { contentSecurityPolicy } from "@/lib/csp";
import { settings } from "@/lib/settings";

/** Pages that anybody may open. */
const PUBLIC = /^\/(login|signup|forgot|reset|invitation|verify|session|healthz)(\/|$)/;

/**
 * What every request passes: the session is refreshed before anything renders, because a server component cannot set a
 * cookie; pages get a nonce and their policy; who is not signed in is led to the login.
 */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const { isSecure, publicUrl } = settings();
  const name = cookieName(isSecure);
  const path = request.nextUrl.pathname;
  const isData = path.startsWith("/gateway/");
  const found = await open(request.cookies.get(name)?.value);
  const { session, isNew, hasEnded } = await current(found);

  if (!session && !isData && !PUBLIC.test(path)) {
    const login = new URL("/login", publicUrl);
    if (path !== "/") login.searchParams.set("next", path + request.nextUrl.search);
    const response = NextResponse.redirect(login);
    if (request.cookies.has(name)) response.cookies.delete(name);
    return response;
  }

  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = contentSecurityPolicy(nonce, { isSecure, isDevelopment: process.env.NODE_ENV === "development" });
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("x-path", path + request.nextUrl.search);
  headers.set("content-security-policy", policy);
  const sealed = session && isNew ? await seal(session) : undefined;
  if (sealed) headers.set("cookie", withCookie(request, name, sealed));

  const response = NextResponse.next({ request: { headers } });
  if (sealed) response.cookies.set(name, sealed, cookieOptions(isSecure));
  if (hasEnded) response.cookies.delete(name);
  response.headers.set("content-security-policy", policy);
  response.headers.set("cache-control", "no-store");
  for (const [header, value] of SECURITY_HEADERS) response.headers.set(header, value);
  if (isSecure) response.headers.set("strict-transport-security", "max-age=63072000; includeSubDomains");
  return response;
}

const SECURITY_HEADERS = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "same-origin"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"],
  ["x-frame-options", "DENY"],
] as const;

type Current = { session?: Session; isNew: boolean; hasEnded: boolean };

async function current(session: Session | undefined): Promise<Current> {
  if (!session || !isStale(session, Math.floor(Date.now() / 1000))) return { session, isNew: false, hasEnded: false };
  const refreshed = await refresh(session);
  if ("session" in refreshed) return { session: refreshed.session, isNew: true, hasEnded: false };
  // While the gateway is unavailable the old session stays: the page says what failed, and nobody is signed out by it.
  return "ended" in refreshed ? { isNew: false, hasEnded: true } : { session, isNew: false, hasEnded: false };
}

/** The request's cookies with the new session, for what renders behind this. */
function withCookie(request: NextRequest, name: string, value: string): string {
  const others = request.cookies.getAll().filter((cookie) => cookie.name !== name);
  return [...others, { name, value }].map((cookie) => `${cookie.name}=${cookie.value}`).join("; ");
}

export const config = { matcher: ["/((?!_next/|favicon|icon|manifest|robots.txt).*)"] };
