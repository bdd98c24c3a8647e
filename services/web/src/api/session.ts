import { EncryptJWT, jwtDecrypt } from "jose";

import { settings } from "@/lib/settings";

/** What the session cookie holds. It is encrypted: no script, log or proxy reads a token. */
export type Session = {
  accessToken: string;
  refreshToken: string;
  /** When the access token ends, in seconds since 1970. */
  expiresAt: number;
  /** What unsafe requests of this session carry as `X-CSRF-Token`. */
  csrfToken: string;
};

/** What the gateway answers to sign-up, sign-in, an accepted invitation and a refresh. */
export type Tokens = { accessToken: string; refreshToken: string; expiresIn: number };

/** As long as user-service keeps a session, whatever its refreshes. */
const COOKIE_SECONDS = 30 * 24 * 60 * 60;
/** An access token that ends sooner is replaced before it is used. */
const REFRESH_AHEAD_SECONDS = 30;

export const cookieName = (isSecure: boolean): string => (isSecure ? "__Host-haushavn" : "haushavn");

export function cookieOptions(isSecure: boolean) {
  return { httpOnly: true, secure: isSecure, sameSite: "lax", path: "/", maxAge: COOKIE_SECONDS } as const;
}

/** A session of its own from the gateway's answer, or the next state of a present one. */
export function sessionOf(tokens: Tokens, now: number, csrfToken: string = newCsrfToken()): Session {
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    expiresAt: now + tokens.expiresIn,
    csrfToken,
  };
}

export async function seal(session: Session, key: Uint8Array = settings().sessionKey): Promise<string> {
  return new EncryptJWT({ ...session })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    .setExpirationTime(`${COOKIE_SECONDS}s`)
    .encrypt(key);
}

/** The session in a cookie; undefined where it was not made by us, was altered, or is too old. */
export async function open(cookie: string | undefined, key: Uint8Array = settings().sessionKey): Promise<Session | undefined> {
  if (!cookie) return undefined;
  try {
    const { payload } = await jwtDecrypt<Session>(cookie, key, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return payload;
  } catch {
    return undefined;
  }
}

export const isStale = (session: Session, now: number): boolean => session.expiresAt - now < REFRESH_AHEAD_SECONDS;

function newCsrfToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}
