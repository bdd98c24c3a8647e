import { cookies } from "next/headers";

import { isSameOrigin, isSameToken } from "@/api/csrf";
import { cookieName, open } from "@/api/session";
import { settings } from "@/lib/settings";

const TIMEOUT_MS = 5_000;

/** Ends the session here and at the gateway. The cookie goes even when the gateway is unavailable. */
export async function POST(request: Request): Promise<Response> {
  const { gatewayUrl, publicUrl, isSecure } = settings();
  const jar = await cookies();
  const session = await open(jar.get(cookieName(isSecure))?.value);
  if (session) {
    if (!isSameOrigin(request.headers, publicUrl) || !isSameToken(request.headers.get("x-csrf-token"), session.csrfToken)) {
      return new Response(null, { status: 403 });
    }
    const headers = { authorization: `Bearer ${session.accessToken}` };
    await fetch(`${gatewayUrl}/api/auth/logout`, { method: "POST", headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined);
  }
  jar.delete(cookieName(isSecure));
  return new Response(null, { status: 204, headers: { "clear-site-data": '"cache"' } });
}
