"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";
import { usePathname } from "next/navigation";

type Props = { id: string; counts: { plan?: number; dates?: number; parties?: number } };

export function DealTabs({ id, counts }: Props) {
  const t = useTranslations("deal");
  const path = usePathname();
  const tabs = [
    { href: `/deals/${id}`, label: t("tab.plan"), count: counts.plan },
    { href: `/deals/${id}/key-dates`, label: t("tab.dates"), count: counts.dates },
    { href: `/deals/${id}/parties`, label: t("tab.parties"), count: counts.parties },
    { href: `/deals/${id}/activity`, label: t("tab.activity") },
    { href: `/deals/${id}/workflow`, label: t("tab.workflow") },
  ];
  return (
    <nav className="tabs px-4 md:px-7" aria-label={t("parts")}>
      {tabs.map(({ href, label, count }) => (
        <Link key={href} href={href} className="tab" data-act="deal-tab" aria-current={path === href ? "page" : undefined} scroll={false}>
          {label} {count ? <b>{count}</b> : null}
        </Link>
      ))}
    </nav>
  );
}
