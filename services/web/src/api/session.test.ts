import { describe, expect, it } from "vitest";

import { isSafe, isSameOrigin, isSameToken } from "./csrf";
import { isStale, open, seal, sessionOf } from "./session";

const KEY = new Uint8Array(32).fill(7);
const OTHER_KEY = new Uint8Array(32).fill(8);
const session = sessionOf({ accessToken: "access", refreshToken: "refresh", expiresIn: 900 }, 1_000);

describe("the session cookie", () => {
  it("gives back what was put in, and shows none of it", async () => {
    const sealed = await seal(session, KEY);
    expect(await open(sealed, KEY)).toMatchObject(session);
    expect(Buffer.from(sealed.split(".").join(""), "base64url").toString("latin1")).not.toContain("access");
  });

  it("is nothing where it was altered, made with another key, or is no cookie of ours", async () => {
    const sealed = await seal(session, KEY);
    const at = sealed.length - 30;
    const altered = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
    for (const cookie of [altered, "", "a.b.c.d.e", undefined]) expect(await open(cookie, KEY)).toBeUndefined();
    expect(await open(sealed, OTHER_KEY)).toBeUndefined();
  });

  it("is refreshed before the access token ends, and keeps its token against forgery", () => {
    expect(isStale(session, 1_000 + 800)).toBe(false);
    expect(isStale(session, 1_000 + 880)).toBe(true);
    const next = sessionOf({ accessToken: "b", refreshToken: "c", expiresIn: 900 }, 2_000, session.csrfToken);
    expect(next.csrfToken).toBe(session.csrfToken);
    expect(sessionOf({ accessToken: "b", refreshToken: "c", expiresIn: 900 }, 2_000).csrfToken).not.toBe(session.csrfToken);
  });
});

describe("an unsafe request", () => {
  const ours = new URL("https://haushavn.example");
  it.each<[Record<string, string>, boolean, string]>([
    [{ "sec-fetch-site": "same-origin" }, true, "a page of ours"],
    [{ "sec-fetch-site": "same-site", origin: "https://haushavn.example" }, false, "a sibling domain"],
    [{ "sec-fetch-site": "cross-site" }, false, "another site"],
    [{ "sec-fetch-site": "none" }, false, "typed into the address bar"],
    [{ origin: "https://haushavn.example" }, true, "an old browser, from a page of ours"],
    [{ origin: "https://evil.example" }, false, "an old browser, from elsewhere"],
    [{}, false, "no browser"],
  ])("with %o is ours: %s (%s)", (headers, expected) => {
    expect(isSameOrigin(new Headers(headers), ours)).toBe(expected);
  });

  it("needs the token of its session", () => {
    expect(isSameToken("abc", "abc")).toBe(true);
    for (const sent of [null, "", "abd", "abcd"]) expect(isSameToken(sent, "abc")).toBe(false);
    expect([isSafe("GET"), isSafe("POST"), isSafe("DELETE")]).toEqual([true, false, false]);
  });
});
