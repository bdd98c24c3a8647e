"use client";

import { Bell, ChevronsUpDown, Ellipsis, House, LayoutTemplate, ListChecks, Plus, ScrollText, Search, Settings, Users } from "lucide-react";
import { useTranslations } from "next-intl";
import Link from "next/link";
import { usePathname } from "next/navigation";

import { Avatar } from "@/components/domain/person";
import { Mark } from "@/components/ui/mark";

import { AccountMenu } from "./account-menu";
import { useCommands } from "./commands";

type Props = { name: string; organization: string; overdue: number; unread: number; isAdmin: boolean; mayCreate: boolean };

/** The staff's navigation: a rail, narrow on tablets, a bottom bar on phones. What a role cannot use is absent. */
export function Rail({ name, organization, overdue, unread, isAdmin, mayCreate }: Props) {
  const t = useTranslations("shell");
  const path = usePathname();
  const commands = useCommands();
  const current = (href: string) => (path === href || path.startsWith(`${href}/`) || (href.startsWith("/settings") && path.startsWith("/settings")) ? ("page" as const) : undefined);
  const main = [
    { href: "/work", label: t("work"), icon: ListChecks, count: overdue, isHot: true, says: t("overdueCount", { count: overdue }) },
    { href: "/deals", label: t("deals"), icon: House },
    { href: "/notifications", label: t("notifications"), icon: Bell, count: unread, says: t("unreadCount", { count: unread }) },
  ];
  const office = [
    { href: "/templates", label: t("templates"), icon: LayoutTemplate },
    { href: "/team", label: t("team"), icon: Users },
    ...(isAdmin ? [{ href: "/audit", label: t("audit"), icon: ScrollText }] : []),
    { href: "/settings/profile", label: t("settings"), icon: Settings },
  ];
  return (
    <>
      <nav className="rail" aria-label={t("main")}>
        <Link href="/work" className="brand" aria-label={t("home")}>
          <Mark />
          <span className="label-text" aria-hidden="true">
            Haushavn
          </span>
        </Link>
        <button type="button" className="rail-search" title={t("search")} aria-keyshortcuts="Control+K Meta+K" onClick={() => commands.open("palette")}>
          <Search size={16} aria-hidden="true" />
          <span className="label-text">{t("search")}</span>
          <kbd className="label-text ms-auto" aria-hidden="true">
            {t("searchKeys")}
          </kbd>
        </button>
        {main.map(({ href, label, icon: Icon, count, isHot, says }) => (
          <Link key={href} href={href} className="rail-link" aria-current={current(href)} title={label}>
            <Icon size={17} strokeWidth={1.9} aria-hidden="true" />
            <span className="label-text">{label}</span>
            {count ? (
              <b className={`nb ${isHot ? "hot" : ""}`}>
                <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
                <span className="sr-only">{says}</span>
              </b>
            ) : null}
          </Link>
        ))}
        <p className="rail-title">{t("organization")}</p>
        {office.map(({ href, label, icon: Icon }) => (
          <Link key={href} href={href} className="rail-link" aria-current={current(href)} title={label}>
            <Icon size={17} strokeWidth={1.9} aria-hidden="true" />
            <span className="label-text">{label}</span>
          </Link>
        ))}
        <div className="flex-1" />
        <AccountMenu>
          <button type="button" className="rail-me" title={t("account")}>
            <Avatar name={name} size={28} />
            <span className="min-w-0 flex-1">
              <b className="clip">{name}</b>
              <small className="clip">{organization}</small>
            </span>
            <ChevronsUpDown size={15} className="label-text flex-none text-rail-text-2" aria-hidden="true" />
          </button>
        </AccountMenu>
      </nav>
      <nav className="bottom-bar" aria-label={t("main")}>
        <BottomLink href="/work" label={t("work")} icon={ListChecks} current={current("/work")} count={overdue} />
        <BottomLink href="/deals" label={t("deals")} icon={House} current={current("/deals")} />
        {mayCreate ? (
          <Link href="/deals/new" className="grid place-items-center" aria-label={t("newDeal")}>
            <span className="grid size-11 place-items-center rounded-full bg-primary text-on-primary">
              <Plus size={22} aria-hidden="true" />
            </span>
          </Link>
        ) : null}
        <BottomLink href="/notifications" label={t("inbox")} icon={Bell} current={current("/notifications")} count={unread} />
        <AccountMenu onSearch={() => commands.open("palette")} links={office.map(({ href, label }) => ({ href, label }))}>
          <button type="button" className="bottom-link">
            <Ellipsis size={20} aria-hidden="true" />
            {t("more")}
          </button>
        </AccountMenu>
      </nav>
    </>
  );
}

type BottomProps = { href: string; label: string; icon: typeof House; current: "page" | undefined; count?: number };

function BottomLink({ href, label, icon: Icon, current, count }: BottomProps) {
  return (
    <Link href={href} className="bottom-link" aria-current={current}>
      <Icon size={20} aria-hidden="true" />
      {label}
      {count ? <b className="nb">{count > 99 ? "99+" : count}</b> : null}
    </Link>
  );
}
