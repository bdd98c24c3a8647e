"use client";

import { Check, RotateCcw, UserRound } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, useRef, useState, useTransition } from "react";

import { api, attempt, newKey, type Outcome } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { useToast } from "@/components/ui/toasts";
import { sentence } from "@/lib/words";

import { AssignDialog } from "./assign-dialog";

type Props = {
  task: { id: string; title: string; status: string; isBlocked: boolean; openCount: number; assigneeId: string | null };
  today: string;
  isActive: boolean;
  mayComplete: boolean;
  mayManage: boolean;
  people: { id: string; name: string }[];
  me: { id: string; name: string };
};

type Asking = "assign" | "waive" | "reopen" | "complete";

/** What can be done with a task. What cannot be done now stays, and says why beside it. */
export function TaskActions({ task, today, isActive, mayComplete, mayManage, people, me }: Props) {
  const t = useTranslations("task");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isBusy, startTransition] = useTransition();
  const [isSending, setSending] = useState(false);
  const [asking, setAsking] = useState<Asking>();
  const isDone = task.status === "COMPLETED" || task.status === "WAIVED";
  const why = !isActive ? t("dealNotActive") : task.isBlocked ? t("blockedByCount", { count: task.openCount }) : !mayComplete ? t("notYours") : undefined;
  const refresh = () => startTransition(() => router.refresh());

  async function complete(completedOn?: string): Promise<Problem | undefined> {
    if (isSending) return undefined;
    setSending(true);
    const outcome = await attempt(
      api.POST("/api/tasks/{id}/complete", { params: { path: { id: task.id }, header: { "Idempotency-Key": newKey() } }, body: completedOn ? { completedOn } : {} }),
    );
    setSending(false);
    if (outcome.problem) return outcome.problem;
    const unlocked = outcome.data.unlocked.length;
    show({ text: t("completed", { unlocked }), action: mayManage ? { label: t("undo"), run: () => void undo() } : undefined });
    refresh();
    return undefined;
  }

  async function undo() {
    const outcome = await attempt(
      api.POST("/api/tasks/{id}/reopen", { params: { path: { id: task.id }, header: { "Idempotency-Key": newKey() } }, body: { reason: t("undoReason") } }),
    );
    if (outcome.problem) show({ kind: "failed", text: sentence(words, outcome.problem) });
    refresh();
  }

  async function onComplete() {
    if (why) return;
    const problem = await complete();
    if (problem) show({ kind: "failed", text: sentence(words, problem) });
  }

  return (
    <div className="flex flex-wrap items-center gap-2">
      {isDone ? (
        mayManage && isActive ? (
          <button type="button" className="btn" onClick={() => setAsking("reopen")}>
            <RotateCcw size={15} aria-hidden="true" />
            {t("reopen")}
          </button>
        ) : (
          <p className="text-sm text-text-2">{t("isDone")}</p>
        )
      ) : (
        <>
          <button
            type="button"
            className="btn btn-primary"
            aria-disabled={why !== undefined || isSending || isBusy}
            aria-describedby={why ? `why-not-${task.id}` : undefined}
            onClick={() => void onComplete()}
          >
            <Check size={15} aria-hidden="true" />
            {t("complete")}
          </button>
          {why ? (
            <span id={`why-not-${task.id}`} className="text-sm text-text-2">
              {why}
            </span>
          ) : (
            <button type="button" className="btn btn-quiet" onClick={() => setAsking("complete")}>
              {t("anotherDay")}
            </button>
          )}
          <span className="flex-1" />
          {people.length && isActive ? (
            <button type="button" className="btn" onClick={() => setAsking("assign")}>
              <UserRound size={15} aria-hidden="true" />
              {t("assign")}
            </button>
          ) : null}
          {mayManage && isActive ? (
            <button type="button" className="btn" onClick={() => setAsking("waive")}>
              {t("waive")}
            </button>
          ) : null}
        </>
      )}
      {asking === "assign" ? (
        <AssignDialog
          tasks={[task.id]}
          people={people}
          me={me}
          onClose={() => setAsking(undefined)}
          onDone={() => {
            setAsking(undefined);
            refresh();
          }}
        />
      ) : null}
      {asking === "waive" ? (
        <ReasonDialog
          title={t("waiveTitle")}
          lead={task.title}
          submit={t("waiveSubmit")}
          explain={t("waiveExplain")}
          onClose={() => setAsking(undefined)}
          send={(reason, key) => attempt(api.POST("/api/tasks/{id}/waive", { params: { path: { id: task.id }, header: { "Idempotency-Key": key } }, body: { reason } }))}
          onDone={() => {
            setAsking(undefined);
            show({ text: t("waived") });
            refresh();
          }}
        />
      ) : null}
      {asking === "reopen" ? (
        <ReasonDialog
          title={t("reopenTitle")}
          lead={task.title}
          submit={t("reopenSubmit")}
          explain={t("reopenExplain")}
          cascade={t("reopenCascade")}
          onClose={() => setAsking(undefined)}
          send={(reason, key, cascade) =>
            attempt(api.POST("/api/tasks/{id}/reopen", { params: { path: { id: task.id }, header: { "Idempotency-Key": key } }, body: { reason, cascade } }))
          }
          onDone={() => {
            setAsking(undefined);
            show({ text: t("reopened") });
            refresh();
          }}
        />
      ) : null}
      {asking === "complete" ? <CompleteDialog title={task.title} today={today} onClose={() => setAsking(undefined)} complete={complete} /> : null}
    </div>
  );
}

type ReasonProps = {
  title: string;
  lead: string;
  explain: string;
  submit: string;
  cascade?: string;
  onClose: () => void;
  onDone: () => void;
  send: (reason: string, key: string, cascade: boolean) => Promise<Outcome<unknown>>;
};

/** Asks for the reason that the audit log keeps. */
function ReasonDialog({ title, lead, explain, submit, cascade, onClose, onDone, send }: ReasonProps) {
  const t = useTranslations("task");
  const words = useTranslations("problems");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isCascading, setCascading] = useState(false);
  const [isSending, setSending] = useState(false);
  const key = useRef(newKey());

  async function onSubmit(event: FormEvent) {
    event.preventDefault();
    if (isSending || reason.trim() === "") return;
    setSending(true);
    const outcome = await send(reason.trim(), key.current, isCascading);
    setSending(false);
    if (outcome.problem) {
      setProblem(outcome.problem);
      key.current = newKey();
    } else {
      onDone();
    }
  }

  return (
    <Dialog title={title} lead={lead} onClose={onClose}>
      <form onSubmit={onSubmit} className="grid gap-4 p-5">
        <p className="text-sm text-text-2">{explain}</p>
        <div>
          <label className="label" htmlFor="reason">
            {t("reason")}
          </label>
          <textarea id="reason" className="input" rows={3} required maxLength={2_000} value={reason} onChange={(event) => setReason(event.currentTarget.value)} autoFocus />
        </div>
        {cascade && problem?.code === "TASK_DEPENDENT_DONE" ? (
          <label className="flex items-start gap-2 text-sm">
            <input type="checkbox" className="mt-1" checked={isCascading} onChange={(event) => setCascading(event.currentTarget.checked)} />
            {cascade}
          </label>
        ) : null}
        {problem ? (
          <p className="note note-error" role="alert">
            {sentence(words, problem)}
          </p>
        ) : null}
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" className="btn btn-primary" aria-disabled={isSending || reason.trim() === ""}>
            {submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

type CompleteProps = { title: string; today: string; onClose: () => void; complete: (day: string) => Promise<Problem | undefined> };

/** Completes on an earlier day: what depends on it counts from that day. */
function CompleteDialog({ title, today, onClose, complete }: CompleteProps) {
  const t = useTranslations("task");
  const words = useTranslations("problems");
  const [problem, setProblem] = useState<Problem>();
  return (
    <Dialog title={t("anotherDayTitle")} lead={title} onClose={onClose}>
      <form
        className="grid gap-4 p-5"
        onSubmit={async (event) => {
          event.preventDefault();
          const day = new FormData(event.currentTarget).get("day");
          if (typeof day !== "string" || day === "") return;
          const refused = await complete(day);
          setProblem(refused);
          if (!refused) onClose();
        }}
      >
        <Field label={t("dayDone")} name="day" type="date" max={today} defaultValue={today} required hint={t("dayDoneHint")} error={problem ? sentence(words, problem) : undefined} autoFocus />
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" className="btn btn-primary">
            {t("complete")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
