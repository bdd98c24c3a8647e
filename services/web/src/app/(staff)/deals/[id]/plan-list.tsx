"use client";

import { useTranslations } from "next-intl";
import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { createContext, type KeyboardEvent, type ReactNode, useContext, useEffect, useRef, useState } from "react";

import { BulkBar } from "@/components/task/bulk-bar";
import { type BatchTask, type Person, useBatch } from "@/components/task/batch";
import { isSelectAll, useKeys } from "@/lib/keys";

type Selection = { chosen: ReadonlySet<string>; toggle: (id: string) => void };

const Selected = createContext<Selection | undefined>(undefined);

type Props = { tasks: BatchTask[]; people: Person[]; me: Person; mayReopen: boolean; children: ReactNode };

/** The rows of the plan: arrows, `j` and `k` move between them, `x` selects, `e` completes, `a` assigns, `c` comments. */
export function PlanList({ tasks, people, me, mayReopen, children }: Props) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const known = new Map(tasks.map((task) => [task.id, task]));
  const router = useRouter();
  const path = usePathname();
  const params = useSearchParams();
  const keys = useKeys();
  const list = useRef<HTMLDivElement>(null);
  const clear = () => setSelected(new Set());
  const batch = useBatch({ people, me, mayReopen, onDone: clear });
  const chosen = [...selected].flatMap((id) => known.get(id) ?? []);
  const toggle = (id: string) =>
    setSelected((present) => {
      const next = new Set(present);
      if (!next.delete(id)) next.add(id);
      return next;
    });

  // The row that had the focus has left: it goes to the one in its place.
  const place = useRef<number | undefined>(undefined);
  const rowsNow = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-task]") ?? [])].filter((one) => one.checkVisibility());
  useEffect(() => {
    if (place.current === undefined || document.activeElement !== document.body) return;
    const rows = rowsNow();
    rows[Math.min(place.current, rows.length - 1)]?.querySelector<HTMLElement>(".row-link")?.focus();
  }, [tasks]);

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>) {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-task]");
    const id = row?.dataset.task;
    if (row && isSelectAll(event)) {
      event.preventDefault();
      const ids = [...(row.closest(".plan-group")?.querySelectorAll<HTMLElement>("[data-task]") ?? [])].flatMap((one) => one.dataset.task ?? []);
      setSelected((present) => new Set([...present, ...ids.filter((one) => known.has(one))]));
      return;
    }
    if (!row || !id || event.metaKey || event.ctrlKey || event.altKey) return;
    const rows = rowsNow();
    const move = (step: number) => {
      const to = rows[rows.indexOf(row) + step];
      to?.querySelector<HTMLElement>(".row-link")?.focus();
      const other = to?.dataset.task;
      if (event.shiftKey && other) setSelected((present) => new Set([...present, ...[id, other].filter((one) => known.has(one))]));
    };
    const own = known.get(id);
    const these = chosen.length ? chosen : own ? [own] : [];
    const arrows: Record<string, () => void> = { ArrowDown: () => move(1), ArrowUp: () => move(-1) };
    const letters: Record<string, () => void> = {
      j: () => move(1),
      J: () => move(1),
      k: () => move(-1),
      K: () => move(-1),
      x: () => own && toggle(id),
      e: () => void batch.complete(these),
      a: () => batch.assign(these),
      c: () => {
        const next = new URLSearchParams(params);
        next.set("task", id);
        router.push(`${path}?${next}#comment`, { scroll: false });
      },
      Escape: clear,
    };
    const act = arrows[event.key] ?? (keys.areOn ? letters[event.key] : undefined);
    if (!act) return;
    event.preventDefault();
    act();
  }

  return (
    <Selected value={{ chosen: selected, toggle }}>
      <div ref={list} onKeyDown={onKeyDown} onFocus={(event) => (place.current = rowsNow().findIndex((row) => row.contains(event.target)))}>
        {children}
      </div>
      {chosen.length ? <BulkBar count={chosen.length} mayAssign={people.length > 0} onComplete={() => void batch.complete(chosen)} onAssign={() => batch.assign(chosen)} onClear={clear} /> : null}
      {batch.dialogs}
    </Selected>
  );
}

/** Chooses a task of the plan for what is done with several. */
export function PlanCheck({ id, title }: { id: string; title: string }) {
  const t = useTranslations("work");
  const selection = useContext(Selected);
  return (
    <input
      type="checkbox"
      className="work-box"
      aria-label={t("select", { title })}
      checked={selection?.chosen.has(id) ?? false}
      onChange={() => selection?.toggle(id)}
    />
  );
}
