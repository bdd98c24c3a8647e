"use client";

import { CircleX, Ellipsis, KeyRound, Pause, Play, RotateCcw } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { DropdownMenu } from "radix-ui";
import { type FormEvent, useRef, useState } from "react";

import { api, attempt, newKey, type Outcome } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { Dialog } from "@/components/ui/dialog";
import { useToast } from "@/components/ui/toasts";
import { mistakes, sentence } from "@/lib/words";

type Act = "activate" | "hold" | "resume" | "close" | "cancel" | "reopen";
type Props = {
  deal: { id: string; name: string; street: string; status: string; version: number };
  maySteer: boolean;
  mayForce: boolean;
  isAdmin: boolean;
};

const ICONS = { activate: Play, hold: Pause, resume: Play, close: KeyRound, cancel: CircleX, reopen: RotateCcw };

/** The steps between a deal's statuses. Those that its status does not allow are absent. */
export function DealActions({ deal, maySteer, mayForce, isAdmin }: Props) {
  const t = useTranslations("dealActions");
  const [asking, setAsking] = useState<Act>();
  const steps: Record<string, Act[]> = { DRAFT: ["activate", "cancel"], ACTIVE: ["hold", "close", "cancel"], ON_HOLD: ["resume", "cancel"] };
  const over: Act[] = isAdmin && (deal.status === "CLOSED" || deal.status === "CANCELLED") ? ["reopen"] : [];
  const acts = maySteer ? (steps[deal.status] ?? over) : over;
  if (acts.length === 0) return null;
  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger asChild>
          <button type="button" className="btn btn-icon" aria-label={t("more")}>
            <Ellipsis size={17} aria-hidden="true" />
          </button>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={6} collisionPadding={8}>
            {acts.map((act) => {
              const Icon = ICONS[act];
              return (
                <DropdownMenu.Item key={act} className="menu-item" onSelect={() => setAsking(act)}>
                  <Icon size={16} className="text-text-3" aria-hidden="true" />
                  {t(`${act}.menu`)}
                </DropdownMenu.Item>
              );
            })}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {asking ? <StepDialog key={asking} act={asking} deal={deal} mayForce={mayForce} onClose={() => setAsking(undefined)} /> : null}
    </>
  );
}

function StepDialog({ act, deal, mayForce, onClose }: { act: Act; deal: Props["deal"]; mayForce: boolean; onClose: () => void }) {
  const t = useTranslations("dealActions");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [reason, setReason] = useState("");
  const [shifts, setShifts] = useState(true);
  const [isForced, setForced] = useState(false);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const key = useRef(newKey());
  const number = deal.street.split(" ")[0] ?? "";
  const needsReason = act === "hold" || act === "cancel" || act === "reopen";
  const isReady = (!needsReason || reason.trim() !== "") && (act !== "cancel" || typed.trim() === number);
  const found = problem ? Object.values(mistakes(words, problem)) : [];

  function send(): Promise<Outcome<unknown>> {
    const params = { path: { id: deal.id }, header: { "Idempotency-Key": key.current } };
    switch (act) {
      case "activate":
        return attempt(api.POST("/api/deals/{id}/activate", { params, body: {} }));
      case "hold":
        return attempt(api.POST("/api/deals/{id}/hold", { params, body: { reason: reason.trim() } }));
      case "resume":
        return attempt(api.POST("/api/deals/{id}/resume", { params, body: { shiftDueDates: shifts } }));
      case "close":
        return attempt(api.POST("/api/deals/{id}/close", { params, body: { force: isForced } }));
      case "cancel":
        return attempt(api.POST("/api/deals/{id}/cancel", { params, body: { reason: reason.trim() } }));
      case "reopen":
        return attempt(api.POST("/api/deals/{id}/reopen", { params, body: { reason: reason.trim() } }));
    }
  }

  async function onSubmit(event: FormEvent) {
    event.preventDefault();
    if (isSending || !isReady) return;
    setSending(true);
    const outcome = await send();
    setSending(false);
    if (outcome.problem) {
      setProblem(outcome.problem);
      key.current = newKey();
      return;
    }
    show({ text: t(`${act}.done`) });
    onClose();
    router.refresh();
  }

  return (
    <Dialog title={t(`${act}.title`)} lead={deal.name} onClose={onClose}>
      <form onSubmit={onSubmit} className="grid gap-4 p-5">
        <p className="text-sm text-text-2">{t(`${act}.explain`)}</p>
        {needsReason ? (
          <div>
            <label className="label" htmlFor="step-reason">
              {t("reason")}
            </label>
            <textarea id="step-reason" className="input" rows={3} maxLength={2_000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          </div>
        ) : null}
        {act === "cancel" ? (
          <div>
            <label className="label" htmlFor="step-number">
              {t("typeNumber", { number })}
            </label>
            <input id="step-number" type="text" className="input" autoComplete="off" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
          </div>
        ) : null}
        {act === "resume" ? (
          <fieldset className="grid gap-2 text-sm">
            <legend className="label">{t("resume.dates")}</legend>
            <label className="flex items-start gap-2">
              <input type="radio" name="shift" className="mt-1" checked={shifts} onChange={() => setShifts(true)} />
              {t("resume.shift")}
            </label>
            <label className="flex items-start gap-2">
              <input type="radio" name="shift" className="mt-1" checked={!shifts} onChange={() => setShifts(false)} />
              {t("resume.keep")}
            </label>
          </fieldset>
        ) : null}
        {problem ? (
          <p className="note note-error" role="alert">
            {[sentence(words, problem), ...found].join(" ")}
          </p>
        ) : null}
        {act === "close" && mayForce && problem?.code === "DEAL_TASKS_OPEN" ? (
          <label className="flex items-start gap-2 text-sm">
            <input type="checkbox" className="mt-1" checked={isForced} onChange={(event) => setForced(event.currentTarget.checked)} />
            {t("close.force")}
          </label>
        ) : null}
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" onClick={onClose}>
            {t("back")}
          </button>
          <button type="submit" className={`btn ${act === "cancel" ? "btn-danger" : "btn-primary"}`} aria-disabled={isSending || !isReady}>
            {t(`${act}.submit`)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
