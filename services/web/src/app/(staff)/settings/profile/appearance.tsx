"use client";

import { Monitor, Moon, Sun } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";

import { chooseTheme } from "@/components/shell/account-menu";
import { chooseLanguage } from "@/components/shell/language";
import type { Theme } from "@/lib/appearance";
import { useKeys } from "@/lib/keys";
import { LANGUAGES, languageOf, LOCALES } from "@/lib/locale";

const ICONS = { system: Monitor, light: Sun, dark: Moon };
const THEMES = ["system", "light", "dark"] as const;

/** Theme and language, which follow the reader, and the shortcuts of this browser. */
export function Appearance({ theme }: { theme: Theme }) {
  const t = useTranslations("settings");
  const language = languageOf(useLocale());
  const keys = useKeys();
  const [chosen, setChosen] = useState(theme);
  return (
    <section className="card grid gap-5 p-5" aria-labelledby="appearance">
      <div>
        <h2 id="appearance" className="text-lg">
          {t("appearance")}
        </h2>
        <p className="text-sm text-text-2">{t("followsYou")}</p>
      </div>
      <fieldset>
        <legend className="label">{t("theme")}</legend>
        <div className="segments">
          {THEMES.map((one) => {
            const Icon = ICONS[one];
            return (
              <button
                key={one}
                type="button"
                aria-pressed={chosen === one}
                onClick={() => {
                  void chooseTheme(one);
                  setChosen(one);
                }}
              >
                <Icon size={15} aria-hidden="true" />
                {t(`themes.${one}`)}
              </button>
            );
          })}
        </div>
      </fieldset>
      <fieldset>
        <legend className="label">{t("language")}</legend>
        <div className="segments">
          {LOCALES.map((one) => (
            <button key={one} type="button" lang={one} aria-pressed={language === one} onClick={() => language !== one && void chooseLanguage(one)}>
              {LANGUAGES[one]}
            </button>
          ))}
        </div>
      </fieldset>
      <label className="flex items-start gap-2">
        <input type="checkbox" role="switch" className="mt-1" checked={keys.areOn} onChange={(event) => keys.turn(event.currentTarget.checked)} />
        <span>
          {t("letters")}
          <span className="block text-sm text-text-2">{t("lettersWhy")}</span>
        </span>
      </label>
    </section>
  );
}
