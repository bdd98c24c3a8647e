"use client";

import { CalendarClock, Phone } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import { Field, SelectField, TextField } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { textOf } from "@/components/ui/use-form";
import { useToast } from "@/components/ui/toasts";
import { CHANNELS, type Channel } from "@/lib/channels";
import { sentence } from "@/lib/words";

/** A task as its follow-up needs it. */
export type Followed = { id: string; title: string; followUpOn: string | null };
type DialogProps = { task: Followed; today: string; onClose: () => void };

/** A day that has come is no suggestion for the next one. */
const nextDay = (task: Followed, today: string): string => (task.followUpOn && task.followUpOn > today ? task.followUpOn : "");

/** Records that somebody was asked, how and with what answer, and when to ask again. */
export function FollowUpDialog({ task, today, onClose }: DialogProps) {
  const t = useTranslations("followUp");
  const show = useToast();
  return (
    <FormDialog
      title={t("title")}
      lead={task.title}
      submit={t("record")}
      onClose={onClose}
      send={(form, key) =>
        attempt(
          api.POST("/api/tasks/{id}/chases", {
            params: { path: { id: task.id }, header: { "Idempotency-Key": key } },
            body: {
              channel: textOf(form, "channel") as Channel,
              replied: form.get("replied") === "on",
              note: textOf(form, "note") || null,
              followUpOn: textOf(form, "followUpOn") || null,
            },
          }),
        )
      }
      onDone={() => {
        onClose();
        show({ text: t("recorded") });
      }}
    >
      {(errors) => (
        <>
          <SelectField label={t("channel")} name="channel" defaultValue="PHONE" error={errors.channel}>
            {CHANNELS.map((channel) => (
              <option key={channel} value={channel}>
                {t(`channels.${channel}`)}
              </option>
            ))}
          </SelectField>
          <label className="flex items-start gap-2 text-sm">
            <input type="checkbox" name="replied" className="mt-1" />
            {t("replied")}
          </label>
          <TextField label={t("note")} name="note" maxLength={1_000} error={errors.note} />
          <Field label={t("again")} name="followUpOn" type="date" defaultValue={nextDay(task, today)} hint={t("againHint")} error={errors.followUpOn ? t("dayRange") : undefined} />
        </>
      )}
    </FormDialog>
  );
}

/** Sets the day on which to ask again, or takes it off; the notice takes that back. */
function AskAgainDialog({ task, today, onClose }: DialogProps) {
  const t = useTranslations("followUp");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const set = (day: string | null, key: string) => attempt(api.POST("/api/tasks/{id}/follow-up", { params: { path: { id: task.id }, header: { "Idempotency-Key": key } }, body: { followUpOn: day } }));

  async function undo() {
    const { problem } = await set(task.followUpOn, newKey());
    if (problem) show({ kind: "failed", text: sentence(words, problem) });
    router.refresh();
  }

  // A day that has come cannot be set again.
  const isBack = task.followUpOn === null || task.followUpOn > today;
  return (
    <FormDialog
      title={t("againTitle")}
      lead={task.title}
      submit={t("save")}
      onClose={onClose}
      send={(form, key) => set(textOf(form, "followUpOn") || null, key)}
      onDone={(now) => {
        onClose();
        show({ text: now.followUpOn ? t("set") : t("unset"), action: isBack ? { label: t("undo"), run: () => void undo() } : undefined });
      }}
    >
      {(errors) => <Field label={t("again")} name="followUpOn" type="date" defaultValue={nextDay(task, today)} hint={t("againHint")} error={errors.followUpOn ? t("dayRange") : undefined} />}
    </FormDialog>
  );
}

/** What can be done about a task that others are to do. */
export function FollowUpActions({ task, today }: { task: Followed; today: string }) {
  const t = useTranslations("followUp");
  const [asking, setAsking] = useState<"record" | "again">();
  const close = () => setAsking(undefined);
  return (
    <div className="ms-auto flex flex-wrap justify-end gap-2">
      <button type="button" className="btn btn-quiet" onClick={() => setAsking("again")}>
        <CalendarClock size={15} aria-hidden="true" />
        {t("setDay")}
      </button>
      <button type="button" className="btn" onClick={() => setAsking("record")}>
        <Phone size={15} aria-hidden="true" />
        {t("open")}
      </button>
      {asking === "record" ? <FollowUpDialog task={task} today={today} onClose={close} /> : null}
      {asking === "again" ? <AskAgainDialog task={task} today={today} onClose={close} /> : null}
    </div>
  );
}
