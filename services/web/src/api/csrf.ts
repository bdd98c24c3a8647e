/**
 * Whether an unsafe request comes from a page of ours. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; what
 * says neither is no browser with our cookie and is refused as well.
 */
export function isSameOrigin(headers: Headers, publicUrl: URL): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  return headers.get("origin") === publicUrl.origin;
}

/** Compares without telling by its time how much is right. */
export function isSameToken(sent: string | null, expected: string): boolean {
  if (sent === null || sent.length !== expected.length) return false;
  let difference = 0;
  for (let index = 0; index < expected.length; index += 1) {
    difference |= sent.charCodeAt(index) ^ expected.charCodeAt(index);
  }
  return difference === 0;
}

export const isSafe = (method: string): boolean => method === "GET" || method === "HEAD";
