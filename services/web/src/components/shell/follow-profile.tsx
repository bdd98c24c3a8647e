"use client";

import { useEffect } from "react";

import { cookieOf, keepLanguage, keepTheme, type Theme, themeOf } from "@/lib/appearance";
import type { Locale } from "@/lib/locale";

/** Where the reader has chosen another language or theme in another browser, this one follows. */
export function FollowProfile({ locale, theme }: { locale: Locale | null; theme: Theme }) {
  useEffect(() => {
    if (themeOf(cookieOf("theme")) !== theme) keepTheme(theme);
    if (locale && cookieOf("locale") !== locale) {
      keepLanguage(locale);
      // A browser that keeps no cookies would do this for ever.
      if (cookieOf("locale") === locale) window.location.reload();
    }
  }, [locale, theme]);
  return null;
}
