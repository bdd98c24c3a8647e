"use client";

import { Anchor, CalendarClock, Check, ChevronDown, Phone } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import Link from "next/link";
import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";

import { Due } from "@/components/domain/day";
import { Avatar, NobodyAvatar, OutsideAvatar } from "@/components/domain/person";
import { TaskGlyph } from "@/components/domain/status";
import { useBatch } from "@/components/task/batch";
import { BulkBar } from "@/components/task/bulk-bar";
import { type Followed, FollowUpDialog } from "@/components/task/follow-up";
import { Empty } from "@/components/ui/states";
import { dayInWords } from "@/lib/days";
import { isSelectAll, useKeys } from "@/lib/keys";
import { partInWords, type Words } from "@/lib/words";

import type { WorkGroup, WorkItem } from "./load";

type Props = {
  groups: WorkGroup[];
  today: string;
  people: { id: string; name: string }[];
  me: { id: string; name: string };
  mayReopen: boolean;
  tab: string;
  isFiltered: boolean;
  next?: { title: string; dealName: string; dueDate: string | null };
};

/** The list: one tab stop, arrows inside; `e` completes, `a` assigns, `f` follows up, `x` selects, `c` comments, Enter opens. */
export function WorkList({ groups, today, people, me, mayReopen, tab, isFiltered, next }: Props) {
  const t = useTranslations("work");
  const parts = useTranslations("roles");
  const asked = useTranslations("followUp");
  const locale = useLocale();
  const router = useRouter();
  const path = usePathname();
  const params = useSearchParams();
  const keys = useKeys();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [done, setDone] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<string>();
  const [following, setFollowing] = useState<Followed>();
  const grid = useRef<HTMLDivElement>(null);
  const clear = () => setSelected(new Set());
  const batch = useBatch({
    people,
    me,
    mayReopen,
    onStart: (ids) => setDone((present) => new Set([...present, ...ids])),
    onOpen: (ids) => setDone((present) => new Set([...present].filter((id) => !ids.includes(id)))),
    onDone: clear,
  });

  const items = useMemo(() => groups.flatMap((group) => (closed.has(group.key) ? [] : group.items)), [groups, closed]);
  const all = useMemo(() => new Map(groups.flatMap((group) => group.items).map((item) => [item.id, item])), [groups]);
  const chosen = [...selected].flatMap((id) => (done.has(id) ? [] : (all.get(id) ?? [])));
  const stop = focused && items.some((item) => item.id === focused) ? focused : items[0]?.id;

  const taskHref = (id: string) => {
    const next = new URLSearchParams(params);
    next.set("task", id);
    return `${path}?${next}`;
  };
  // The row that had the focus has left: it goes to the one in its place.
  const place = useRef(0);
  useEffect(() => {
    if (!focused) return;
    const at = items.findIndex((item) => item.id === focused);
    if (at >= 0) {
      place.current = at;
      return;
    }
    const next = items[Math.min(place.current, items.length - 1)];
    if (next && document.activeElement === document.body) grid.current?.querySelector<HTMLElement>(`[data-row="${next.id}"]`)?.focus();
  }, [items, focused]);

  const toggle = (id: string) =>
    setSelected((present) => {
      const next = new Set(present);
      if (!next.delete(id)) next.add(id);
      return next;
    });

  function focus(id: string | undefined) {
    if (!id) return;
    setFocused(id);
    grid.current?.querySelector<HTMLElement>(`[data-row="${id}"]`)?.focus();
  }

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>) {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset.row;
    if (row && isSelectAll(event)) {
      event.preventDefault();
      const group = groups.find((one) => one.items.some((item) => item.id === row));
      setSelected((present) => new Set([...present, ...(group?.items ?? []).map((item) => item.id)]));
      return;
    }
    if (!row || event.metaKey || event.ctrlKey || event.altKey || (event.target as HTMLElement).matches("input[type=text]")) return;
    const at = items.findIndex((item) => item.id === row);
    const move = (step: number) => {
      const to = items[at + step]?.id;
      if (event.shiftKey && to) setSelected((present) => new Set([...present, row, to]));
      focus(to);
    };
    const own = all.get(row);
    const these = chosen.length ? chosen : own && !done.has(row) ? [own] : [];
    const arrows: Record<string, () => void> = { ArrowDown: () => move(1), ArrowUp: () => move(-1) };
    const acts: Record<string, () => void> = {
      j: () => move(1),
      J: () => move(1),
      k: () => move(-1),
      K: () => move(-1),
      x: () => toggle(row),
      e: () => void batch.complete(these),
      a: () => batch.assign(these),
      f: () => (people.length && own && !done.has(row) ? setFollowing(own) : undefined),
      c: () => router.push(`${taskHref(row)}#comment`, { scroll: false }),
      Escape: clear,
    };
    if (event.key === "Enter" && event.target === event.currentTarget.querySelector(`[data-row="${row}"]`)) {
      event.preventDefault();
      router.push(taskHref(row), { scroll: false });
      return;
    }
    const act = arrows[event.key] ?? (keys.areOn ? acts[event.key] : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  }

  const total = groups.reduce((sum, group) => sum + group.items.length, 0);
  if (total === 0) {
    return (
      <div className="card">
        <Empty title={isFiltered ? t("noMatch") : tab === "overdue" ? t("nothingOverdue") : t("clearWater")}>
          {next ? t("nextUp", { title: next.title, deal: next.dealName, date: next.dueDate ? dayInWords(locale, next.dueDate) : "" }) : t("nothingAtAll")}
        </Empty>
      </div>
    );
  }
  return (
    <>
      <div className="work-list" role="grid" aria-label={t("list")} aria-rowcount={total} ref={grid} onKeyDown={onKeyDown}>
        {groups
          .filter((group) => group.items.length > 0)
          .map((group) => (
            <div role="rowgroup" key={group.key} aria-label={t(`group.${group.key}`)}>
              <div role="row" className="work-group">
                <span role="gridcell" className="flex min-w-0 items-center gap-2">
                  <button
                    type="button"
                    className="flex items-center gap-2"
                    aria-expanded={!closed.has(group.key)}
                    onClick={() => setClosed((present) => (present.has(group.key) ? new Set([...present].filter((key) => key !== group.key)) : new Set([...present, group.key])))}
                  >
                    <ChevronDown size={16} className={`text-text-3 transition-transform ${closed.has(group.key) ? "-rotate-90" : ""}`} aria-hidden="true" />
                    {t(`group.${group.key}`)}
                  </button>
                  <span className="tnum font-normal text-text-2">
                    {group.count}
                  </span>
                  {group.items.length < group.count ? <span className="clip text-xs font-normal text-text-2">{t("cut", { count: group.items.length })}</span> : null}
                  {group.key === "waiting" ? <span className="clip hidden text-xs font-normal text-text-2 md:inline">{t("waitingLead")}</span> : null}
                </span>
              </div>
              {closed.has(group.key)
                ? null
                : group.items.map((item) => {
                    const isDone = done.has(item.id);
                    return (
                      <div
                        role="row"
                        key={item.id}
                        data-row={item.id}
                        data-task={item.id}
                        tabIndex={item.id === stop ? 0 : -1}
                        aria-selected={selected.has(item.id)}
                        className={`work-row ${isDone ? "is-done" : ""} ${item.isBlocked ? "is-blocked" : ""}`}
                        onFocus={(event) => event.target === event.currentTarget && setFocused(item.id)}
                      >
                        <span role="gridcell" className="work-check">
                          <input
                            type="checkbox"
                            tabIndex={-1}
                            className="work-box"
                            aria-label={t("select", { title: item.title })}
                            checked={selected.has(item.id)}
                            onChange={() => toggle(item.id)}
                          />
                          <button
                            type="button"
                            tabIndex={-1}
                            className="work-tick"
                            aria-label={item.isBlocked ? t("isBlocked", { title: item.title }) : t("complete", { title: item.title })}
                            onClick={() => void batch.complete([item])}
                          >
                            {item.isBlocked ? <TaskGlyph status="BLOCKED" size={19} /> : <i>{isDone ? <Check size={14} strokeWidth={3} aria-hidden="true" /> : null}</i>}
                          </button>
                        </span>
                        <span role="gridcell" className="work-status">
                          <TaskGlyph status={isDone ? "COMPLETED" : item.status} />
                        </span>
                        <span role="gridcell" className="work-title">
                          <Link href={taskHref(item.id)} scroll={false} tabIndex={-1} className="clip-wide font-medium" title={item.title}>
                            {item.title}
                          </Link>
                          {item.isCritical ? <Anchor size={14} className="crit" role="img" aria-label={t("critical")} /> : null}
                          {item.waitsFor ? (
                            <span className="work-why clip" title={item.waitsFor}>
                              {item.waitsForWhom ? t("waitsForOf", { title: item.waitsFor, name: item.waitsForWhom }) : t("waitsFor", { title: item.waitsFor })}
                            </span>
                          ) : null}
                          {!item.waitsFor && group.key === "waiting" && item.ownerRole ? (
                            <span className={`work-why clip ${item.lastChase ? "is-asked" : ""}`} title={[lastAsked(asked, locale, item), item.lastChase?.note].filter(Boolean).join(": ") || undefined}>
                              {[lastAsked(asked, locale, item), item.ownerName, partInWords(parts, item.ownerRole)].filter(Boolean).join(" · ")}
                            </span>
                          ) : null}
                          {group.key === "waiting" && people.length ? (
                            <button type="button" tabIndex={-1} className="work-ask" aria-label={asked("openFor", { title: item.title })} title={asked("open")} onClick={() => setFollowing(item)}>
                              <Phone size={15} aria-hidden="true" />
                            </button>
                          ) : null}
                        </span>
                        <span role="gridcell" className="work-deal clip">
                          <Link href={`/deals/${item.dealId}`} tabIndex={-1} className="hover:underline" title={item.milestoneTitle ?? undefined}>
                            {item.dealName}
                          </Link>
                        </span>
                        <span role="gridcell" className="work-owner">
                          {item.assigneeName ? (
                            <Avatar name={item.assigneeName} size={22} label />
                          ) : group.key === "waiting" && item.ownerRole ? (
                            <OutsideAvatar name={item.ownerName ?? partInWords(parts, item.ownerRole)} size={22} />
                          ) : (
                            <NobodyAvatar label={t("nobody")} size={22} />
                          )}
                        </span>
                        <span role="gridcell" className="work-due">
                          {group.key === "waiting" && item.followUpOn ? (
                            <span title={item.dueDate ? asked("dueOn", { date: dayInWords(locale, item.dueDate) }) : undefined}>
                              <CalendarClock size={13} className="work-again" role="img" aria-label={asked("askAgain")} />
                              <Due date={item.followUpOn} today={today} />
                            </span>
                          ) : (
                            <Due date={item.dueDate} today={today} projected={item.isProjected} />
                          )}
                        </span>
                      </div>
                    );
                  })}
            </div>
          ))}
      </div>
      {chosen.length ? <BulkBar count={chosen.length} mayAssign={people.length > 0} onComplete={() => void batch.complete(chosen)} onAssign={() => batch.assign(chosen)} onClear={clear} /> : null}
      {batch.dialogs}
      {following ? <FollowUpDialog task={following} today={today} onClose={() => setFollowing(undefined)} /> : null}
    </>
  );
}

/** 'asked Mar 30, phone, no answer'. */
function lastAsked(t: Words<"followUp">, locale: string, { lastChase }: WorkItem): string | undefined {
  if (!lastChase) return undefined;
  const said = t("asked", { date: dayInWords(locale, lastChase.day, "plain"), channel: t(`channels.${lastChase.channel}`).toLowerCase() });
  return lastChase.replied ? said : `${said}, ${t("noAnswer")}`;
}
