"use client";

import { Copy, FilePlus2, Pencil } from "lucide-react";
import { useTranslations } from "next-intl";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useState } from "react";

import { api, attempt } from "@/api/browser";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { textOf } from "@/components/ui/use-form";
import { renamed } from "@/lib/templates";

type Props = { template: { id: string; name: string; source: string; status: string }; draftId?: string };

/** A published version never changes: a new one begins as its copy, under its key or under another. */
export function TemplateActions({ template, draftId }: Props) {
  const t = useTranslations("templates");
  const router = useRouter();
  const [asking, setAsking] = useState<"version" | "copy">();
  const close = () => setAsking(undefined);
  const edit = (id: string) => router.push(`/templates/${id}/edit`);
  const add = (source: string, key: string) => attempt(api.POST("/api/templates", { params: { header: { "Idempotency-Key": key } }, body: { source } }));
  const toEdit = template.status === "DRAFT" ? template.id : draftId;
  return (
    <>
      <button type="button" className="btn" onClick={() => setAsking("copy")}>
        <Copy size={15} aria-hidden="true" />
        {t("copy")}
      </button>
      {toEdit ? (
        <Link href={`/templates/${toEdit}/edit`} className="btn btn-primary">
          <Pencil size={15} aria-hidden="true" />
          {t("editDraft")}
        </Link>
      ) : (
        <button type="button" className="btn btn-primary" onClick={() => setAsking("version")}>
          <FilePlus2 size={15} aria-hidden="true" />
          {t("newVersion")}
        </button>
      )}
      {asking === "version" ? (
        <FormDialog title={t("newVersion")} lead={template.name} submit={t("newVersionSubmit")} onClose={close} send={(_, key) => add(template.source, key)} onDone={(made) => edit(made.id)}>
          {() => <p className="text-sm text-text-2">{t("newVersionExplain")}</p>}
        </FormDialog>
      ) : null}
      {asking === "copy" ? (
        <FormDialog
          title={t("copy")}
          lead={template.name}
          submit={t("copySubmit")}
          onClose={close}
          send={(form, key) => add(renamed(template.source, textOf(form, "key"), textOf(form, "name")), key)}
          onDone={(made) => edit(made.id)}
        >
          {(errors) => (
            <>
              <Field label={t("copyName")} name="name" required maxLength={200} error={errors.name ?? errors.source} autoComplete="off" />
              <Field label={t("copyKey")} hint={t("copyKeyHint")} name="key" required maxLength={100} pattern="[a-z][a-z0-9_]*" error={errors.key} autoComplete="off" spellCheck={false} />
            </>
          )}
        </FormDialog>
      ) : null}
    </>
  );
}
