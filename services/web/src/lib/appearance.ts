import type { Locale } from "./locale";

export type Theme = "system" | "light" | "dark";

export const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** The theme in a cookie or a profile. */
export const themeOf = (text: string | undefined): Theme => (text === "light" || text === "dark" ? text : "system");

/** In a cookie, so that the server renders the right language from the first byte. */
export function keepLanguage(locale: Locale): void {
  document.cookie = `locale=${locale}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
}

/** In a cookie for the same reason, and on the page that is open. */
export function keepTheme(theme: Theme): void {
  if (theme === "system") {
    document.cookie = "theme=; path=/; max-age=0; samesite=lax";
    delete document.documentElement.dataset.theme;
  } else {
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
    document.documentElement.dataset.theme = theme;
  }
}

/** What this browser keeps in a cookie. */
export const cookieOf = (name: string): string | undefined =>
  document.cookie
    .split("; ")
    .find((one) => one.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** In the profile of who is signed in, whom it follows to every browser. Without a session, or a network, it is of this browser. */
export async function keepInProfile(change: { locale: Locale } | { theme: Theme }): Promise<void> {
  if (!document.querySelector('meta[name="csrf-token"]')) return;
  // Public pages do without the client.
  const { changeProfile } = await import("@/api/me");
  await changeProfile(change);
}
