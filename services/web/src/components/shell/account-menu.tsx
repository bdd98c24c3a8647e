"use client";

import { Keyboard, Languages, LogOut, Monitor, Moon, Search, Sun } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import Link from "next/link";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

import { send } from "@/api/browser";
import { keepInProfile, keepTheme, type Theme } from "@/lib/appearance";
import { LANGUAGES, languageOf, LOCALES } from "@/lib/locale";

import { useCommands } from "./commands";
import { chooseLanguage } from "./language";

/** In the profile first: a page that is made meanwhile reads it, and would bring the former theme back. */
export async function chooseTheme(theme: Theme): Promise<void> {
  await keepInProfile({ theme });
  keepTheme(theme);
}

export async function signOut(): Promise<void> {
  await send("/session/logout");
  window.location.assign("/login");
}

/** Theme, language and sign-out, and on phones the screens that have no place in the bar. */
export function AccountMenu({ children, links = [], onSearch }: { children: ReactNode; links?: { href: string; label: string }[]; onSearch?: () => void }) {
  const t = useTranslations("shell");
  const commands = useCommands();
  const language = languageOf(useLocale());
  const themes = [
    { theme: "system", label: t("themeSystem"), icon: Monitor },
    { theme: "light", label: t("themeLight"), icon: Sun },
    { theme: "dark", label: t("themeDark"), icon: Moon },
  ] as const;
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{children}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" side="top" align="start" sideOffset={6} collisionPadding={8}>
          {onSearch ? (
            <DropdownMenu.Item className="menu-item" onSelect={onSearch}>
              <Search size={16} className="text-text-3" aria-hidden="true" />
              {t("search")}
            </DropdownMenu.Item>
          ) : null}
          {links.map(({ href, label }) => (
            <DropdownMenu.Item key={href} asChild>
              <Link href={href} className="menu-item">
                {label}
              </Link>
            </DropdownMenu.Item>
          ))}
          {links.length ? <DropdownMenu.Separator className="menu-line" /> : null}
          {themes.map(({ theme, label, icon: Icon }) => (
            <DropdownMenu.Item key={theme} className="menu-item" onSelect={() => void chooseTheme(theme)}>
              <Icon size={16} className="text-text-3" aria-hidden="true" />
              {label}
            </DropdownMenu.Item>
          ))}
          <DropdownMenu.Separator className="menu-line" />
          {LOCALES.filter((locale) => locale !== language).map((locale) => (
            <DropdownMenu.Item key={locale} className="menu-item" lang={locale} onSelect={() => void chooseLanguage(locale)}>
              <Languages size={16} className="text-text-3" aria-hidden="true" />
              {LANGUAGES[locale]}
            </DropdownMenu.Item>
          ))}
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item max-md:hidden" onSelect={() => commands.open("help")}>
            <Keyboard size={16} className="text-text-3" aria-hidden="true" />
            {t("shortcuts")}
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => void signOut()}>
            <LogOut size={16} className="text-text-3" aria-hidden="true" />
            {t("signOut")}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
