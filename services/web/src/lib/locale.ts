/** Languages that have a file in `messages/`. */
export const LOCALES = ["en", "es"] as const;
export type Locale = (typeof LOCALES)[number];

/** Each language in its own words. */
export const LANGUAGES: Record<Locale, string> = { en: "English", es: "Español" };

/** Dates, numbers and money are as they are written in the United States. */
const TAGS: Record<Locale, string> = { en: "en-US", es: "es-US" };
export const tagOf = (locale: Locale): string => TAGS[locale];

const isLocale = (text: string | undefined): text is Locale => LOCALES.includes(text as Locale);

/** The language of a tag: `es` of `es-US`. */
export const languageOf = (tag: string): Locale => {
  const language = tag.split("-")[0];
  return isLocale(language) ? language : "en";
};

/** The chosen language, else the first that the browser asks for and that we have, else English. */
export function chooseLocale(chosen: string | undefined, accepted: string | null): Locale {
  if (isLocale(chosen)) return chosen;
  const wanted = (accepted ?? "").split(",").map((part) => part.split(";")[0]?.trim().split("-")[0]);
  return wanted.find(isLocale) ?? "en";
}
