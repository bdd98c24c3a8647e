"use client";

import { Anchor, Check, ChevronDown, CircleCheck, UserRound } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import Link from "next/link";
import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { type KeyboardEvent, useMemo, useRef, useState, useTransition } from "react";

import { api, attempt, newKey } from "@/api/browser";
import { Due } from "@/components/domain/day";
import { Avatar, NobodyAvatar, OutsideAvatar } from "@/components/domain/person";
import { TaskGlyph } from "@/components/domain/status";
import { AssignDialog } from "@/components/task/assign-dialog";
import { Empty } from "@/components/ui/states";
import { useToast } from "@/components/ui/toasts";
import { dayInWords } from "@/lib/days";
import { partInWords, sentence } from "@/lib/words";

import type { WorkGroup, WorkItem } from "./load";

type Props = {
  groups: WorkGroup[];
  today: string;
  people: { id: string; name: string }[];
  me: { id: string; name: string };
  mayReopen: boolean;
  tab: string;
  next?: { title: string; dealName: string; dueDate: string | null };
};

/** The list: one tab stop, arrows inside; `e` completes, `a` assigns, `x` selects, Enter opens. */
export function WorkList({ groups, today, people, me, mayReopen, tab, next }: Props) {
  const t = useTranslations("work");
  const words = useTranslations("problems");
  const parts = useTranslations("roles");
  const locale = useLocale();
  const router = useRouter();
  const path = usePathname();
  const params = useSearchParams();
  const show = useToast();
  const [, startTransition] = useTransition();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [done, setDone] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<string>();
  const [assigning, setAssigning] = useState<string[]>();
  const underway = useRef(new Set<string>());
  const grid = useRef<HTMLDivElement>(null);

  const items = useMemo(() => groups.flatMap((group) => (closed.has(group.key) ? [] : group.items)), [groups, closed]);
  const all = useMemo(() => new Map(groups.flatMap((group) => group.items).map((item) => [item.id, item])), [groups]);
  const chosen = [...selected].filter((id) => all.has(id) && !done.has(id));
  const stop = focused && items.some((item) => item.id === focused) ? focused : items[0]?.id;

  const taskHref = (id: string) => {
    const next = new URLSearchParams(params);
    next.set("task", id);
    return `${path}?${next}`;
  };
  const refresh = () => startTransition(() => router.refresh());

  async function complete(ids: string[]) {
    const open = ids.map((id) => all.get(id)).filter((item): item is WorkItem => item !== undefined && !done.has(item.id) && !underway.current.has(item.id));
    const ready = open.filter((item) => !item.isBlocked);
    const blocked = open.length - ready.length;
    if (ready.length === 0) {
      const only = open[0];
      if (only) show({ kind: "failed", text: only.waitsFor ? t("blockedBy", { title: only.waitsFor }) : t("blocked") });
      return;
    }
    for (const item of ready) underway.current.add(item.id);
    setDone((present) => new Set([...present, ...ready.map((item) => item.id)]));
    const answers = await Promise.all(
      ready.map(async (item) => {
        const asked = api.POST("/api/tasks/{id}/complete", { params: { path: { id: item.id }, header: { "Idempotency-Key": newKey() } }, body: {} });
        return { item, outcome: await attempt(asked) };
      }),
    );
    for (const item of ready) underway.current.delete(item.id);
    const failed = answers.filter(({ outcome }) => outcome.problem);
    if (failed.length) setDone((present) => new Set([...present].filter((id) => !failed.some(({ item }) => item.id === id))));
    const first = failed[0]?.outcome.problem;
    if (first) show({ kind: "failed", text: sentence(words, first) });
    const completed = answers.filter(({ outcome }) => outcome.data);
    if (completed.length) {
      const unlocked = completed.reduce((sum, { outcome }) => sum + (outcome.data?.unlocked.length ?? 0), 0);
      const text = blocked ? t("completedSome", { count: completed.length, blocked }) : t("completed", { count: completed.length, unlocked });
      show({ text, action: mayReopen ? { label: t("undo"), run: () => void undo(completed.map(({ item }) => item.id)) } : undefined });
    }
    setSelected(new Set());
    refresh();
  }

  async function undo(ids: string[]) {
    const outcomes = await Promise.all(
      ids.map((id) => attempt(api.POST("/api/tasks/{id}/reopen", { params: { path: { id }, header: { "Idempotency-Key": newKey() } }, body: { reason: t("undoReason") } }))),
    );
    const problem = outcomes.find((outcome) => outcome.problem)?.problem;
    if (problem) show({ kind: "failed", text: sentence(words, problem) });
    setDone((present) => new Set([...present].filter((id) => !ids.includes(id))));
    refresh();
  }

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
    if (!row || event.metaKey || event.ctrlKey || event.altKey || (event.target as HTMLElement).matches("input[type=text]")) return;
    const at = items.findIndex((item) => item.id === row);
    const move = (step: number) => {
      const to = items[at + step]?.id;
      if (event.shiftKey && to) setSelected((present) => new Set([...present, row, to]));
      focus(to);
    };
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(1),
      j: () => move(1),
      J: () => move(1),
      ArrowUp: () => move(-1),
      k: () => move(-1),
      K: () => move(-1),
      x: () => toggle(row),
      e: () => void complete(chosen.length ? chosen : [row]),
      a: () => people.length && setAssigning(chosen.length ? chosen : [row]),
      Escape: () => setSelected(new Set()),
    };
    if (event.key === "Enter" && event.target === event.currentTarget.querySelector(`[data-row="${row}"]`)) {
      event.preventDefault();
      router.push(taskHref(row), { scroll: false });
      return;
    }
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  const total = groups.reduce((sum, group) => sum + group.items.length, 0);
  if (total === 0) {
    return (
      <div className="card">
        <Empty title={tab === "overdue" ? t("nothingOverdue") : t("clearWater")}>
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
                    {group.items.length}
                    {group.isCut ? "+" : ""}
                  </span>
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
                            onClick={() => void complete([item.id])}
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
                          {item.waitsFor ? <span className="work-why clip" title={item.waitsFor}>{t("waitsFor", { title: item.waitsFor })}</span> : null}
                          {!item.waitsFor && group.key === "waiting" && item.ownerRole ? (
                            <span className="work-why clip">{partInWords(parts, item.ownerRole)}</span>
                          ) : null}
                        </span>
                        <span role="gridcell" className="work-deal clip">
                          <Link href={`/deals/${item.dealId}`} tabIndex={-1} className="hover:underline">
                            {item.dealName}
                          </Link>
                        </span>
                        <span role="gridcell" className="work-owner">
                          {item.assigneeName ? (
                            <Avatar name={item.assigneeName} size={22} label />
                          ) : group.key === "waiting" && item.ownerRole ? (
                            <OutsideAvatar name={partInWords(parts, item.ownerRole)} size={22} />
                          ) : (
                            <NobodyAvatar label={t("nobody")} size={22} />
                          )}
                        </span>
                        <span role="gridcell" className="work-due">
                          <Due date={item.dueDate} today={today} projected={item.isProjected} />
                        </span>
                      </div>
                    );
                  })}
            </div>
          ))}
      </div>
      {chosen.length ? (
        <div className="bulk" role="toolbar" aria-label={t("bulk")}>
          <span className="tnum ps-2 font-medium">{t("selected", { count: chosen.length })}</span>
          <i />
          <button type="button" className="is-first" onClick={() => void complete(chosen)}>
            <CircleCheck size={16} aria-hidden="true" />
            {t("completeAll")}
          </button>
          {people.length ? (
            <button type="button" onClick={() => setAssigning(chosen)}>
              <UserRound size={16} aria-hidden="true" />
              {t("assign")}
            </button>
          ) : null}
          <i />
          <button type="button" onClick={() => setSelected(new Set())}>
            {t("clear")}
          </button>
        </div>
      ) : null}
      {assigning ? (
        <AssignDialog
          tasks={assigning}
          people={people}
          me={me}
          onClose={() => setAssigning(undefined)}
          onDone={() => {
            setAssigning(undefined);
            setSelected(new Set());
            refresh();
          }}
        />
      ) : null}
    </>
  );
}
