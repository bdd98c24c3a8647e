import { cookies } from "next/headers";

import { isSafe, isSameOrigin, isSameToken } from "@/api/csrf";
import { unreachable } from "@/api/problem";
import { forgetProfiles } from "@/api/profiles";
import { cookieName, open } from "@/api/session";
import { settings } from "@/lib/settings";

/** The gateway answers within 30 s; then it is taken as unavailable. */
const TIMEOUT_MS = 35_000;
/** What a profile says is changed here. */
const PROFILE = /^\/api\/(users|organization)(\/|$)/;
const REQUEST_HEADERS = ["accept", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id", "x-forwarded-for"];
const ANSWER_HEADERS = ["content-type", "content-disposition", "etag", "location", "retry-after", "x-request-id", "idempotent-replayed"];

/** Passes a browser's request on to the gateway with the token of its session, and streams the answer back. */
async function forward(request: Request): Promise<Response> {
  const { gatewayUrl, publicUrl, isSecure } = settings();
  const session = await open((await cookies()).get(cookieName(isSecure))?.value);
  if (!session) return refusal(401, "UNAUTHENTICATED", "Unauthorized");
  if (!isSafe(request.method)) {
    const isOurs = isSameOrigin(request.headers, publicUrl) && isSameToken(request.headers.get("x-csrf-token"), session.csrfToken);
    if (!isOurs) return refusal(403, "FORBIDDEN", "Forbidden");
  }
  const url = new URL(request.url);
  const path = url.pathname.slice("/gateway".length);
  if (!path.startsWith("/api/") || path.startsWith("/api/auth/refresh")) return refusal(404, "NOT_FOUND", "NotFound");
  const headers = pick(request.headers, REQUEST_HEADERS);
  headers.set("authorization", `Bearer ${session.accessToken}`);
  try {
    const answer = await fetch(`${gatewayUrl}${path}${url.search}`, {
      method: request.method,
      headers,
      body: isSafe(request.method) ? undefined : await request.arrayBuffer(),
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      redirect: "manual",
      cache: "no-store",
    });
    if (!isSafe(request.method) && answer.ok && PROFILE.test(path)) forgetProfiles();
    const answered = pick(answer.headers, ANSWER_HEADERS);
    answered.set("cache-control", "no-store");
    return new Response(answer.body, { status: answer.status, headers: answered });
  } catch {
    return Response.json(unreachable(), { status: 503 });
  }
}

export { forward as DELETE, forward as GET, forward as PATCH, forward as POST, forward as PUT };

function refusal(status: number, code: "UNAUTHENTICATED" | "FORBIDDEN" | "NOT_FOUND", error: string): Response {
  return Response.json({ ...unreachable(), status, code, error, title: error, message: error }, { status });
}

function pick(from: Headers, names: string[]): Headers {
  const picked = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
}
