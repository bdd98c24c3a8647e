/** Languages that have a file in `messages/`. */
export const LOCALES = ["en"] as const;
export type Locale = (typeof LOCALES)[number];

const isLocale = (text: string | undefined): text is Locale => LOCALES.includes(text as Locale);

/** The chosen language, else the first that the browser asks for and that we have, else English. */
export function chooseLocale(chosen: string | undefined, accepted: string | null): Locale {
  if (isLocale(chosen)) return chosen;
  const wanted = (accepted ?? "").split(",").map((part) => part.split(";")[0]?.trim().split("-")[0]);
  return wanted.find(isLocale) ?? "en";
}
