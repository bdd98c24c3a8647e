"use client";

import { Languages } from "lucide-react";
import { useLocale } from "next-intl";

import { keepInProfile, keepLanguage } from "@/lib/appearance";
import { LANGUAGES, languageOf, type Locale, LOCALES } from "@/lib/locale";

/** Kept in a cookie, which the server reads first, and in the profile of who is signed in. The whole page is made again in it. */
export async function chooseLanguage(locale: Locale): Promise<void> {
  keepLanguage(locale);
  await keepInProfile({ locale });
  window.location.reload();
}

/** Leads to the same page in the other language, named in that language. */
export function LanguageSwitch({ className }: { className: string }) {
  const current = languageOf(useLocale());
  return LOCALES.filter((locale) => locale !== current).map((locale) => (
    <button key={locale} type="button" className={className} lang={locale} onClick={() => void chooseLanguage(locale)}>
      <Languages size={17} aria-hidden="true" />
      <span>{LANGUAGES[locale]}</span>
    </button>
  ));
}
