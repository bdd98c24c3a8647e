"use client";

import { Languages } from "lucide-react";
import { useLocale } from "next-intl";

import { LANGUAGES, languageOf, type Locale, LOCALES } from "@/lib/locale";

const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Kept in a cookie until the profile has a language. The whole page is made again in it. */
export function chooseLanguage(locale: Locale): void {
  document.cookie = `locale=${locale}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  window.location.reload();
}

/** Leads to the same page in the other language, named in that language. */
export function LanguageSwitch({ className }: { className: string }) {
  const current = languageOf(useLocale());
  return LOCALES.filter((locale) => locale !== current).map((locale) => (
    <button key={locale} type="button" className={className} lang={locale} onClick={() => chooseLanguage(locale)}>
      <Languages size={17} aria-hidden="true" />
      <span>{LANGUAGES[locale]}</span>
    </button>
  ));
}
