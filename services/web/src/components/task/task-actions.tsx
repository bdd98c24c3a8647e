"use client";

import { Check, Ellipsis, Pencil, RotateCcw, Trash2, UserRound } from "lucide-react";
import { useTranslations } from "next-intl";
import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { DropdownMenu } from "radix-ui";
import { useState, useTransition } from "react";

import { api, attempt, newKey, type Outcome } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { Field, TextField } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { textOf } from "@/components/ui/use-form";
import { useToast } from "@/components/ui/toasts";
import { sentence } from "@/lib/words";

import { type BatchTask, type Person, useBatch } from "./batch";
import { type EditedTask, EditTask } from "./task-form";

type Props = {
  task: EditedTask & BatchTask & { status: string; openCount: number };
  today: string;
  isActive: boolean;
  mayComplete: boolean;
  mayManage: boolean;
  people: Person[];
  me: Person;
};

type Asking = "edit" | "waive" | "reopen" | "complete" | "delete";

/** What can be done with a task. What cannot be done now stays, and says why beside it. */
export function TaskActions({ task, today, isActive, mayComplete, mayManage, people, me }: Props) {
  const t = useTranslations("task");
  const words = useTranslations("problems");
  const router = useRouter();
  const path = usePathname();
  const params = useSearchParams();
  const show = useToast();
  const batch = useBatch({ people, me, mayReopen: mayManage });
  const [isBusy, startTransition] = useTransition();
  const [asking, setAsking] = useState<Asking>();
  const close = () => setAsking(undefined);
  const isDone = task.status === "COMPLETED" || task.status === "WAIVED";
  const why = !isActive ? t("dealNotActive") : task.isBlocked ? t("blockedByCount", { count: task.openCount }) : !mayComplete ? t("notYours") : undefined;
  const mayEdit = people.length > 0 && isActive;
  const at = { path: { id: task.id } };

  async function completeOn(day: string, key: string): Promise<Outcome<unknown>> {
    return attempt(api.POST("/api/tasks/{id}/complete", { params: { ...at, header: { "Idempotency-Key": key } }, body: { completedOn: day } }));
  }

  async function undo() {
    const outcome = await attempt(api.POST("/api/tasks/{id}/reopen", { params: { ...at, header: { "Idempotency-Key": newKey() } }, body: { reason: t("undoReason") } }));
    if (outcome.problem) show({ kind: "failed", text: sentence(words, outcome.problem) });
    startTransition(() => router.refresh());
  }

  const done = (text: string, isUndone: boolean) => {
    close();
    show({ text, action: isUndone && mayManage ? { label: t("undo"), run: () => void undo() } : undefined });
  };

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
            aria-disabled={why !== undefined || isBusy}
            aria-describedby={why ? `why-not-${task.id}` : undefined}
            onClick={() => why === undefined && startTransition(() => batch.complete([task]))}
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
          {mayEdit ? (
            <button type="button" className="btn" onClick={() => batch.assign([task])}>
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
      {mayEdit ? (
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger asChild>
            <button type="button" className={`btn btn-icon ${isDone ? "ms-auto" : ""}`} aria-label={t("more")}>
              <Ellipsis size={17} aria-hidden="true" />
            </button>
          </DropdownMenu.Trigger>
          {/* No portal: what is outside of the open dialog is inert. */}
          <DropdownMenu.Content className="menu" align="end" side="top" sideOffset={6} collisionPadding={8}>
            <DropdownMenu.Item className="menu-item" onSelect={() => setAsking("edit")}>
              <Pencil size={16} className="text-text-3" aria-hidden="true" />
              {t("edit")}
            </DropdownMenu.Item>
            {isDone ? null : (
              <DropdownMenu.Item className="menu-item" onSelect={() => setAsking("delete")}>
                <Trash2 size={16} className="text-text-3" aria-hidden="true" />
                {t("delete")}
              </DropdownMenu.Item>
            )}
          </DropdownMenu.Content>
        </DropdownMenu.Root>
      ) : null}
      {batch.dialogs}
      {asking === "edit" ? <EditTask task={task} onClose={close} /> : null}
      {asking === "waive" ? (
        <ReasonDialog
          title={t("waiveTitle")}
          lead={task.title}
          submit={t("waiveSubmit")}
          explain={t("waiveExplain")}
          onClose={close}
          send={(reason, key) => attempt(api.POST("/api/tasks/{id}/waive", { params: { ...at, header: { "Idempotency-Key": key } }, body: { reason } }))}
          onDone={() => done(t("waived"), true)}
        />
      ) : null}
      {asking === "reopen" ? (
        <ReasonDialog
          title={t("reopenTitle")}
          lead={task.title}
          submit={t("reopenSubmit")}
          explain={t("reopenExplain")}
          cascade={t("reopenCascade")}
          onClose={close}
          send={(reason, key, cascade) => attempt(api.POST("/api/tasks/{id}/reopen", { params: { ...at, header: { "Idempotency-Key": key } }, body: { reason, cascade } }))}
          onDone={() => done(t("reopened"), false)}
        />
      ) : null}
      {asking === "complete" ? (
        <FormDialog
          title={t("anotherDayTitle")}
          lead={task.title}
          submit={t("complete")}
          onClose={close}
          send={(form, key) => completeOn(textOf(form, "completedOn"), key)}
          onDone={() => done(t("completedThen"), true)}
        >
          {(errors) => <Field label={t("dayDone")} name="completedOn" type="date" max={today} defaultValue={today} required hint={t("dayDoneHint")} error={errors.completedOn} />}
        </FormDialog>
      ) : null}
      {asking === "delete" ? (
        <FormDialog
          title={t("deleteTitle")}
          lead={task.title}
          submit={t("deleteSubmit")}
          isDanger
          onClose={close}
          send={() => attempt(api.DELETE("/api/tasks/{id}", { params: { ...at, header: { "If-Match": `"${task.version}"` } } }))}
          onDone={() => {
            close();
            show({ text: t("deleted", { title: task.title }) });
            const rest = new URLSearchParams(params);
            rest.delete("task");
            router.push(path.startsWith("/tasks/") ? `/deals/${task.dealId}` : rest.size ? `${path}?${rest}` : path, { scroll: false });
          }}
        >
          {() => <p className="text-sm text-text-2">{t("deleteExplain")}</p>}
        </FormDialog>
      ) : null}
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
  const [refused, setRefused] = useState<Problem["code"]>();
  return (
    <FormDialog
      title={title}
      lead={lead}
      submit={submit}
      onClose={onClose}
      send={async (form, key) => {
        const outcome = await send(textOf(form, "reason"), key, form.get("cascade") === "on");
        setRefused(outcome.problem?.code);
        return outcome;
      }}
      onDone={onDone}
    >
      {(errors) => (
        <>
          <p className="text-sm text-text-2">{explain}</p>
          <TextField label={t("reason")} name="reason" required maxLength={2_000} error={errors.reason} />
          {cascade && refused === "TASK_DEPENDENT_DONE" ? (
            <label className="flex items-start gap-2 text-sm">
              <input type="checkbox" name="cascade" className="mt-1" />
              {cascade}
            </label>
          ) : null}
        </>
      )}
    </FormDialog>
  );
}
