import { settings } from "@/lib/settings";

import { type Session, sessionOf, type Tokens } from "./session";

/** What became of a session that was to be refreshed. */
export type Refreshed = { session: Session } | { ended: true } | { unavailable: true };

/** Asking the gateway takes no longer. */
const TIMEOUT_MS = 5_000;

/** Refreshes under way, by their token: requests of one page that come together share one. */
const underway = new Map<string, Promise<Refreshed>>();

/**
 * Exchanges the refresh token. Another instance may do the same at the same time: user-service gives the immediate
 * predecessor the same successor for some seconds.
 */
export function refresh(session: Session): Promise<Refreshed> {
  const present = underway.get(session.refreshToken);
  if (present) return present;
  const asked = ask(session).finally(() => underway.delete(session.refreshToken));
  underway.set(session.refreshToken, asked);
  return asked;
}

async function ask(session: Session): Promise<Refreshed> {
  try {
    const answer = await fetch(`${settings().gatewayUrl}/api/auth/refresh`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refreshToken: session.refreshToken }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
    if (answer.ok) {
      const now = Math.floor(Date.now() / 1000);
      return { session: sessionOf((await answer.json()) as Tokens, now, session.csrfToken) };
    }
    return answer.status === 401 || answer.status === 400 ? { ended: true } : { unavailable: true };
  } catch {
    return { unavailable: true };
  }
}
