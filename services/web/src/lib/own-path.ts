/** A path of this application, for where to go after the login: anything that a browser could take for another site is `/`. */
export function ownPath(text: string | null | undefined): string {
  if (!text || !text.startsWith("/") || /^\/[/\\]/.test(text) || /[\u0000-\u0020\\]/.test(text)) return "/";
  return /^\/(session|gateway|login)(\/|\?|$)/.test(text) ? "/" : text;
}
