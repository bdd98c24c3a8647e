"use client";

import { Anchor, ArrowRight, Bell, CircleCheck, Eye, LockKeyhole, ShieldCheck, SquareCheckBig, TriangleAlert } from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, type KeyboardEvent, useEffect, useEffectEvent, useState } from "react";

import { api, attempt } from "@/api/browser";
import type { Problem } from "@/api/problem";
import type { DateChange, KeyDatesPreview } from "@/api/types";
import { Said } from "@/components/domain/said";
import { Dialog } from "@/components/ui/dialog";
import { useToast } from "@/components/ui/toasts";
import { daysBetween, dayInWords, withDaysInWords } from "@/lib/days";
import { mistakes, sentence, type Words } from "@/lib/words";

import type { MoveDateProps } from "./move-date";

const DEBOUNCE_MS = 200;
const FILTERS = ["all", "dates", "tasks", "reminders", "buyer", "locked"] as const;
type Filter = (typeof FILTERS)[number];

const moves = (change: DateChange): boolean => !change.locked && (change.old !== change.new || change.outcome != null);

function inFilter(change: DateChange, filter: Filter): boolean {
  switch (filter) {
    case "all":
      return moves(change) && change.kind !== "REMINDER";
    case "dates":
      return moves(change) && change.kind === "KEY_DATE";
    case "tasks":
      return moves(change) && change.kind === "TASK";
    case "reminders":
      return moves(change) && change.kind === "REMINDER";
    case "buyer":
      return moves(change) && change.buyerSees && change.kind !== "REMINDER";
    case "locked":
      return Boolean(change.locked);
  }
}

/** Shows every consequence of another date before it happens, and applies exactly these. */
export function MoveDateDialog({ dealId, dealName, keyDates, version, today, mayAcknowledge, initialKey, onClose }: MoveDateProps & { onClose: () => void }) {
  const t = useTranslations("move");
  const words = useTranslations("problems");
  const locale = useLocale();
  const router = useRouter();
  const show = useToast();
  const movable = keyDates.filter((date) => date.date || date.isAnchor);
  const [key, setKey] = useState(initialKey ?? "closing_date");
  const current = movable.find((date) => date.key === key) ?? movable[0];
  const [day, setDay] = useState(current?.date ?? "");
  const [reason, setReason] = useState("");
  const [basedOn, setBasedOn] = useState(version);
  const [preview, setPreview] = useState<KeyDatesPreview>();
  const [problem, setProblem] = useState<Problem>();
  const [isLoading, setLoading] = useState(false);
  const [isApplying, setApplying] = useState(false);
  const [hasRead, setRead] = useState(false);
  const [wasChanged, setChanged] = useState(false);
  const [filter, setFilter] = useState<Filter>("all");
  const isMoved = day !== "" && day !== current?.date;

  const load = useEffectEvent(async (signal: AbortSignal) => {
    const path = { path: { id: dealId } };
    try {
      const outcome = await attempt(
        api.POST("/api/deals/{id}/key-dates/preview", { params: path, body: { keyDates: { [key]: day }, reason: t("previewReason"), version: basedOn }, signal }),
      );
      if (signal.aborted) return;
      if (outcome.problem?.code === "VERSION_CONFLICT" || outcome.problem?.code === "VERSION_MISMATCH") {
        await takeNewVersion();
        return;
      }
      setProblem(outcome.problem);
      setPreview(outcome.data);
      setLoading(false);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });

  useEffect(() => {
    if (!isMoved) return;
    const controller = new AbortController();
    const timer = setTimeout(() => void load(controller.signal), DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, day, basedOn, isMoved]);

  /** Somebody else moved dates meanwhile: what was typed stays, and the preview is made again. */
  async function takeNewVersion() {
    const outcome = await attempt(api.GET("/api/deals/{id}/key-dates", { params: { path: { id: dealId } } }));
    if (outcome.problem) {
      setProblem(outcome.problem);
      setLoading(false);
      return;
    }
    setChanged(true);
    setRead(false);
    setLoading(true);
    setBasedOn(outcome.data.version);
  }

  const choose = (chosen: string, date: string) => {
    setKey(chosen);
    setDay(date);
    setPreview(undefined);
    setProblem(undefined);
    setRead(false);
    setLoading(date !== "" && date !== movable.find((known) => known.key === chosen)?.date);
  };

  const changes = preview && isMoved ? preview.changes : [];
  const violations = preview && isMoved ? preview.violations : [];
  const overdue = preview && isMoved ? preview.becomesOverdue : [];
  const hasError = violations.some((violation) => violation.severity === "ERROR");
  const count = changes.filter((change) => inFilter(change, "all")).length;
  const needsReading = violations.length > 0 || overdue.length > 0;
  const why = !isMoved
    ? t("why.date")
    : isLoading || !preview
      ? t("why.loading")
      : count === 0
        ? t("why.nothing")
        : reason.trim() === ""
          ? t("why.reason")
          : hasError && !mayAcknowledge
            ? t("why.error")
            : needsReading && !hasRead
              ? t("why.read")
              : undefined;

  async function apply() {
    if (why || isApplying) return;
    setApplying(true);
    const outcome = await attempt(
      api.PUT("/api/deals/{id}/key-dates", { params: { path: { id: dealId } }, body: { keyDates: { [key]: day }, reason: reason.trim(), version: basedOn } }),
    );
    setApplying(false);
    if (outcome.problem) {
      if (outcome.problem.code === "VERSION_CONFLICT" || outcome.problem.code === "VERSION_MISMATCH") await takeNewVersion();
      else setProblem(outcome.problem);
      return;
    }
    show({ text: t("applied", { count }) });
    onClose();
    router.refresh();
  }

  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void apply();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) void apply();
  };
  const mayClose = () => reason.trim() === "" || window.confirm(t("discard"));
  const fieldMistakes = problem ? Object.values(mistakes(words, problem)) : [];
  const titles = new Map(changes.flatMap((change) => (change.id ? [[change.id, change.title] as const] : [])));
  const shown = changes.filter((change) => inFilter(change, filter));

  return (
    <Dialog wide title={t("title", { date: current?.title ?? "" })} lead={t("lead", { deal: dealName })} onClose={onClose} mayClose={mayClose}>
      <form className="move" onSubmit={onSubmit} onKeyDown={onKeyDown} noValidate>
        <div className="move-side">
          {initialKey ? null : (
            <div>
              <label className="label" htmlFor="move-key">
                {t("which")}
              </label>
              <select
                id="move-key"
                className="input"
                value={key}
                onChange={(event) => {
                  const chosen = event.currentTarget.value;
                  choose(chosen, movable.find((date) => date.key === chosen)?.date ?? "");
                }}
              >
                {movable.map((date) => (
                  <option key={date.key} value={date.key}>
                    {date.title}
                  </option>
                ))}
              </select>
            </div>
          )}
          <div>
            <div className="flex items-end gap-3">
              <p className="text-sm leading-tight text-text-2">
                {t("from")}
                <b className="block text-md whitespace-nowrap text-text">{current?.date ? dayInWords(locale, current.date, "short", today) : t("noDate")}</b>
              </p>
              <ArrowRight size={17} className="mb-2 flex-none text-text-2" aria-hidden="true" />
              <div className="flex-1">
                <label className="sr-only" htmlFor="move-day">
                  {t("to")}
                </label>
                <input id="move-day" data-first type="date" className="input" value={day} onChange={(event) => choose(key, event.currentTarget.value)} />
              </div>
            </div>
            <p className="mt-1.5 text-xs text-text-2" role="status">
              {isMoved && current?.date ? `${dayInWords(locale, day, "long")}. ${shiftInWords(t, daysBetween(current.date, day))}` : t("typeDate")}
            </p>
          </div>
          <div>
            <label className="label" htmlFor="move-reason">
              {t("reason")} <span className="font-normal text-text-2">{t("reasonHint")}</span>
            </label>
            <textarea id="move-reason" className="input" rows={3} maxLength={2_000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          </div>
          {wasChanged ? (
            <p className="note note-warn" role="status">
              <TriangleAlert size={16} aria-hidden="true" />
              <span>{t("changedMeanwhile")}</span>
            </p>
          ) : null}
          {problem ? (
            <p className="note note-error" role="alert">
              <TriangleAlert size={16} aria-hidden="true" />
              <span>{[sentence(words, problem), ...fieldMistakes].join(" ")}</span>
            </p>
          ) : null}
          {isMoved && preview && !isLoading ? (
            <section className="grid gap-2.5" aria-labelledby="before-apply">
              <h3 className="text-sm" id="before-apply">
                {t("before")}
              </h3>
              {violations.map((violation) => (
                <p key={violation.key + violation.message} className={`note ${violation.severity === "ERROR" ? "note-error" : "note-warn"}`}>
                  <TriangleAlert size={16} aria-hidden="true" />
                  <Said>{withDaysInWords("en-US", violation.message)}</Said>
                </p>
              ))}
              {overdue.length ? (
                <p className="note note-error">
                  <TriangleAlert size={16} aria-hidden="true" />
                  <span>{t("becomesOverdue", { count: overdue.length, title: titles.get(overdue[0] ?? "") ?? "" })}</span>
                </p>
              ) : (
                <p className="note note-quiet">
                  <CircleCheck size={16} aria-hidden="true" />
                  <span>{t("nothingOverdue")}</span>
                </p>
              )}
              {needsReading ? (
                <label className="flex items-center gap-2 text-sm">
                  <input type="checkbox" className="work-box" checked={hasRead} onChange={(event) => setRead(event.currentTarget.checked)} />
                  {t("haveRead", { count: violations.length + (overdue.length ? 1 : 0) })}
                </label>
              ) : null}
            </section>
          ) : null}
        </div>
        <div className="move-main" aria-busy={isLoading}>
          <dl className="move-sums">
            {(["dates", "tasks", "reminders", "buyer", "locked"] as const).map((sum) => (
              <div key={sum}>
                <dd>{changes.filter((change) => inFilter(change, sum)).length}</dd>
                <dt>{t(`sum.${sum}`)}</dt>
              </div>
            ))}
          </dl>
          <div className="move-filters" role="group" aria-label={t("filter")}>
            {FILTERS.map((one) => (
              <button key={one} type="button" className={`chip ${filter === one ? "is-on" : ""}`} aria-pressed={filter === one} onClick={() => setFilter(one)}>
                {t(`filters.${one}`)} <span className="tnum text-text-2">{changes.filter((change) => inFilter(change, one)).length}</span>
              </button>
            ))}
          </div>
          <div className="move-list" tabIndex={0} role="region" aria-label={t("changes")}>
            {!isMoved ? (
              <p className="move-none">{t("chooseFirst")}</p>
            ) : isLoading ? (
              <div className="grid gap-3 p-5" aria-hidden="true">
                {Array.from({ length: 9 }, (_, index) => (
                  <div key={index} className="skeleton h-5" />
                ))}
              </div>
            ) : shown.length === 0 ? (
              <p className="move-none">{filter === "all" ? t("movesNothing") : t("noneOfThese")}</p>
            ) : (
              <table className="move-table">
                <caption className="sr-only">{t("changes")}</caption>
                <colgroup>
                  <col />
                  <col className="col-day col-old" />
                  <col className="col-day" />
                  <col className="col-shift" />
                  <col className="col-note" />
                </colgroup>
                <thead className="sr-only">
                  <tr>
                    <th scope="col">{t("head.what")}</th>
                    <th scope="col">{t("head.old")}</th>
                    <th scope="col">{t("head.new")}</th>
                    <th scope="col">{t("head.shift")}</th>
                    <th scope="col">{t("head.note")}</th>
                  </tr>
                </thead>
                {(["KEY_DATE", "TASK", "REMINDER"] as const).map((kind) => {
                  const rows = shown.filter((change) => change.kind === kind);
                  if (rows.length === 0) return null;
                  return (
                    <tbody key={kind}>
                      <tr className="move-kind">
                        <th scope="rowgroup" colSpan={5}>
                          {t(`kind.${kind}`)} <span className="tnum font-normal text-text-2">{rows.length}</span>
                        </th>
                      </tr>
                      {rows.map((change, index) => (
                        <ChangeRow key={`${change.id ?? change.key}-${index}`} change={change} today={today} />
                      ))}
                    </tbody>
                  );
                })}
              </table>
            )}
          </div>
        </div>
        <footer className="move-foot">
          <p className="flex min-w-0 flex-1 items-center gap-2 text-sm text-text-2" id="move-why" role="status">
            <ShieldCheck size={16} className="flex-none max-md:hidden" aria-hidden="true" />
            {why ?? t("oneStep")}
          </p>
          <button type="button" className="btn" onClick={() => mayClose() && onClose()}>
            {t("cancel")}
          </button>
          <button type="submit" className="btn btn-primary" aria-disabled={why !== undefined || isApplying} aria-describedby="move-why">
            {count > 0 ? t("apply", { count }) : t("applyNothing")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

const shiftInWords = (t: Words<"move">, days: number): string => (days < 0 ? t("earlier", { days: -days }) : t("later", { days }));

function ChangeRow({ change, today }: { change: DateChange; today: string }) {
  const t = useTranslations("move");
  const locale = useLocale();
  const Icon = change.kind === "KEY_DATE" ? Anchor : change.kind === "TASK" ? SquareCheckBig : Bell;
  const shift = change.old && change.new ? daysBetween(change.old.slice(0, 10), change.new.slice(0, 10)) : undefined;
  const inWords = (date: string | null | undefined) => (date ? dayInWords(locale, date.slice(0, 10), "short", today) : t("noDate"));
  return (
    <tr>
      <th scope="row">
        <span className="flex min-w-0 items-center gap-2.5">
          <Icon size={15} className={`flex-none ${change.kind === "KEY_DATE" ? "text-accent-text" : "text-text-3"}`} aria-hidden="true" />
          <span className="clip-wide" title={change.title}>
            {change.title}
          </span>
        </span>
      </th>
      <td className="move-old">{change.locked || change.old === change.new ? "" : <s>{inWords(change.old)}</s>}</td>
      <td className="move-new">{inWords(change.new ?? (change.locked ? change.old : null))}</td>
      <td className="move-shift">{shift ? t("shift", { sign: shift > 0 ? "+" : "−", days: Math.abs(shift) }) : ""}</td>
      <td className="move-note">
        {change.locked ? (
          <span className="inline-flex items-center gap-1">
            <LockKeyhole size={13} className="flex-none" aria-hidden="true" />
            <Said>{withDaysInWords("en-US", change.locked)}</Said>
          </span>
        ) : change.outcome ? (
          t(`outcome.${change.outcome}`)
        ) : change.buyerSees ? (
          <span className="inline-flex items-center gap-1">
            <Eye size={13} className="flex-none" aria-hidden="true" />
            {t("buyerSees")}
          </span>
        ) : null}
      </td>
    </tr>
  );
}
