"use client";

import { Plus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useEffect, useState } from "react";

import { api, attempt, type Outcome } from "@/api/browser";
import type { components } from "@/api/schema";
import type { Part } from "@/api/types";
import { Field, SelectField, TextField } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { textOf } from "@/components/ui/use-form";
import { useToast } from "@/components/ui/toasts";
import { dayInWords } from "@/lib/days";
import { PARTS } from "@/lib/parts";
import { partInWords } from "@/lib/words";
import { useLocale } from "next-intl";

type Body = components["schemas"]["TaskBody"];

export type EditedTask = {
  id: string;
  dealId: string;
  title: string;
  description: string;
  dueDate: string;
  ownerRole: string;
  milestoneId: string;
  buyerVisible: boolean;
  version: number;
  pinned: boolean;
};

type Milestone = { id: string; title: string };

/** The stages of a deal, fetched when a form opens. */
function useMilestones(dealId: string): Milestone[] | undefined {
  const [milestones, setMilestones] = useState<Milestone[]>();
  useEffect(() => {
    let isCurrent = true;
    void attempt(api.GET("/api/deals/{id}/plan", { params: { path: { id: dealId } } })).then((found) => {
      if (isCurrent) setMilestones((found.data?.milestones ?? []).map(({ id, title }) => ({ id, title })));
    });
    return () => {
      isCurrent = false;
    };
  }, [dealId]);
  return milestones;
}

type FieldsProps = { task?: EditedTask; milestones: Milestone[]; errors: Record<string, string> };

function Fields({ task, milestones, errors }: FieldsProps) {
  const t = useTranslations("taskForm");
  const parts = useTranslations("roles");
  return (
    <>
      <Field label={t("title")} name="title" required maxLength={300} defaultValue={task?.title} error={errors.title} autoComplete="off" />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("due")} name="dueDate" type="date" defaultValue={task?.dueDate} error={errors.dueDate} hint={task && !task.pinned && task.dueDate ? t("dueHint") : undefined} />
        <SelectField label={t("owner")} name="ownerRole" defaultValue={task?.ownerRole ?? ""} error={errors.ownerRole}>
          <option value="">{t("noOwner")}</option>
          {[...new Set([...PARTS, ...(task?.ownerRole ? [task.ownerRole] : [])])].map((part) => (
            <option key={part} value={part}>
              {partInWords(parts, part)}
            </option>
          ))}
        </SelectField>
      </div>
      <SelectField label={t("milestone")} name="milestoneId" defaultValue={task?.milestoneId ?? ""} error={errors.milestoneId}>
        <option value="">{t("noMilestone")}</option>
        {milestones.map((milestone) => (
          <option key={milestone.id} value={milestone.id}>
            {milestone.title}
          </option>
        ))}
      </SelectField>
      <TextField label={t("description")} name="description" maxLength={10_000} defaultValue={task?.description} error={errors.description} />
      <label className="flex items-start gap-2 text-sm">
        <input type="checkbox" name="buyerVisible" className="mt-1" defaultChecked={task?.buyerVisible} />
        {t("buyerVisible")}
      </label>
    </>
  );
}

/** What was typed, as the API takes it. */
function bodyOf(form: FormData): Body {
  return {
    title: textOf(form, "title"),
    description: textOf(form, "description") || null,
    dueDate: textOf(form, "dueDate") || null,
    ownerRole: (textOf(form, "ownerRole") || null) as Part | null,
    milestoneId: textOf(form, "milestoneId") || null,
    buyerVisible: form.get("buyerVisible") === "on",
  };
}

/** Changes a task. Only what was changed is sent: a date that stays goes on following its rule. */
export function EditTask({ task, onClose }: { task: EditedTask; onClose: () => void }) {
  const t = useTranslations("taskForm");
  const locale = useLocale();
  const show = useToast();
  const milestones = useMilestones(task.dealId);
  const [version, setVersion] = useState(task.version);
  const [meanwhile, setMeanwhile] = useState<{ title: string; dueDate: string | null }>();

  async function send(form: FormData): Promise<Outcome<unknown>> {
    const typed = bodyOf(form);
    const before: Body = { title: task.title, description: task.description || null, dueDate: task.dueDate || null, ownerRole: (task.ownerRole || null) as Part | null, milestoneId: task.milestoneId || null, buyerVisible: task.buyerVisible };
    const changed = Object.fromEntries(Object.entries(typed).filter(([field, value]) => before[field as keyof Body] !== value));
    if (Object.keys(changed).length === 0) return { data: undefined };
    const outcome = await attempt(
      api.PATCH("/api/tasks/{id}", {
        params: { path: { id: task.id }, header: { "If-Match": `"${version}"` } },
        headers: { "content-type": "application/merge-patch+json" },
        body: changed as Body,
      }),
    );
    if (outcome.problem?.code !== "VERSION_MISMATCH") return outcome;
    const now = await attempt(api.GET("/api/tasks/{id}", { params: { path: { id: task.id } } }));
    if (now.data) {
      setVersion(now.data.version);
      setMeanwhile({ title: now.data.title, dueDate: now.data.dueDate ?? null });
    }
    return outcome;
  }

  if (!milestones) return null;
  return (
    <FormDialog
      title={t("editTitle")}
      lead={task.title}
      submit={t("save")}
      onClose={onClose}
      send={send}
      says={(problem) =>
        problem.code === "VERSION_MISMATCH" && meanwhile
          ? t("meanwhile", { title: meanwhile.title, due: meanwhile.dueDate ? dayInWords(locale, meanwhile.dueDate) : t("noDate") })
          : undefined
      }
      onDone={() => {
        onClose();
        show({ text: t("saved") });
      }}
    >
      {(errors) => <Fields task={task} milestones={milestones} errors={errors} />}
    </FormDialog>
  );
}

/** Adds a task by hand. */
export function AddTask({ dealId }: { dealId: string }) {
  const t = useTranslations("taskForm");
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn" data-act="add-task" onClick={() => setOpen(true)}>
        <Plus size={15} aria-hidden="true" />
        {t("add")}
      </button>
      {isOpen ? <AddDialog dealId={dealId} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function AddDialog({ dealId, onClose }: { dealId: string; onClose: () => void }) {
  const t = useTranslations("taskForm");
  const show = useToast();
  const milestones = useMilestones(dealId);
  if (!milestones) return null;
  return (
    <FormDialog
      title={t("addTitle")}
      submit={t("addSubmit")}
      onClose={onClose}
      send={(form, key) => attempt(api.POST("/api/tasks", { params: { header: { "Idempotency-Key": key } }, body: { dealId, ...bodyOf(form) } }))}
      onDone={(task) => {
        onClose();
        show({ text: t("added", { title: task.title }) });
      }}
    >
      {(errors) => <Fields milestones={milestones} errors={errors} />}
    </FormDialog>
  );
}
