import { cookies } from "next/headers";
import { NextResponse } from "next/server";

import { cookieName, open } from "@/api/session";
import { ownPath } from "@/lib/own-path";
import { settings } from "@/lib/settings";

const TIMEOUT_MS = 5_000;

/**
 * Where a page leads when the gateway refused its session: forgets the cookie and goes to the login. It asks the gateway
 * first, so that a link from elsewhere signs nobody out.
 */
export async function GET(request: Request): Promise<Response> {
  const { gatewayUrl, publicUrl, isSecure } = settings();
  const next = ownPath(new URL(request.url).searchParams.get("next"));
  const jar = await cookies();
  const session = await open(jar.get(cookieName(isSecure))?.value);
  if (session) {
    const headers = { authorization: `Bearer ${session.accessToken}` };
    const answer = await fetch(`${gatewayUrl}/api/auth/me`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" }).catch(() => undefined);
    if (answer?.status !== 401) return NextResponse.redirect(new URL(next, publicUrl));
    jar.delete(cookieName(isSecure));
  }
  const login = new URL("/login", publicUrl);
  if (next !== "/") login.searchParams.set("next", next);
  return NextResponse.redirect(login);
}
