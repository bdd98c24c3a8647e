import type { Middleware } from "openapi-fetch";

/** What Haushavn's own templates and calendars say, in another language. */
export type Phrases = Record<string, string>;

/** Where answers carry such text. What people typed is in other words, and stays as it is. */
const FIELDS = new Set(["title", "buyerTitle", "why"]);
/** Titles of templates. */
const NAMES = /^\/api\/templates(\/|$)/;
/** A record of what was written. */
const VERBATIM = /^\/api\/audit(\/|$)/;
const OBSERVED = " (observed)";

function translated(phrases: Phrases, text: string): string {
  const found = phrases[text];
  if (found !== undefined) return found;
  const day = text.endsWith(OBSERVED) ? phrases[text.slice(0, -OBSERVED.length)] : undefined;
  return day !== undefined ? `${day} (${phrases.observed ?? "observed"})` : text;
}

/** The answer with every known phrase in the other language. */
export function inPhrases(phrases: Phrases, answer: unknown, fields: ReadonlySet<string> = FIELDS): unknown {
  if (Array.isArray(answer)) return answer.map((one) => inPhrases(phrases, one, fields));
  if (typeof answer !== "object" || answer === null) return answer;
  return Object.fromEntries(
    Object.entries(answer).map(([field, value]) => [field, typeof value === "string" && fields.has(field) ? translated(phrases, value) : inPhrases(phrases, value, fields)]),
  );
}

/** Puts the phrases of every answer into the reader's language where it arrives, so that no screen can forget it. */
export function inLanguage(load: () => Promise<Phrases>): Middleware {
  return {
    async onResponse({ response, request }) {
      const path = new URL(request.url).pathname.replace(/^\/gateway/, "");
      if (!response.headers.get("content-type")?.startsWith("application/json") || VERBATIM.test(path)) return undefined;
      const phrases = await load();
      if (Object.keys(phrases).length === 0) return undefined;
      const fields = NAMES.test(path) ? new Set([...FIELDS, "name"]) : FIELDS;
      const body = JSON.stringify(inPhrases(phrases, await response.json(), fields));
      const headers = new Headers(response.headers);
      headers.delete("content-length");
      headers.delete("content-encoding");
      return new Response(body, { status: response.status, statusText: response.statusText, headers });
    },
  };
}
