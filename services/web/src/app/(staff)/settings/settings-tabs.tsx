"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";
import { usePathname } from "next/navigation";

const OWN = ["profile", "security", "notifications"] as const;
const OFFICE = ["organization", "holidays"] as const;

export function SettingsTabs({ mayOrganize }: { mayOrganize: boolean }) {
  const t = useTranslations("settings");
  const path = usePathname();
  return (
    <nav className="tabs px-4 pt-3 md:px-7" aria-label={t("parts")}>
      {[...OWN, ...(mayOrganize ? OFFICE : [])].map((one) => (
        <Link key={one} className="tab" href={`/settings/${one}`} aria-current={path === `/settings/${one}` ? "page" : undefined}>
          {t(`tab.${one}`)}
        </Link>
      ))}
    </nav>
  );
}
