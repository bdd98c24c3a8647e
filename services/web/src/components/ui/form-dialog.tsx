"use client";

import { useTranslations } from "next-intl";
import type { ReactNode } from "react";

import type { Problem } from "@/api/problem";
import { sentence } from "@/lib/words";

import { Dialog } from "./dialog";
import { type FormOptions, useForm } from "./use-form";

type Props<Data> = FormOptions<Data> & {
  title: string;
  lead?: ReactNode;
  submit: string;
  /** For what cannot be taken back. */
  isDanger?: boolean;
  onClose: () => void;
  /** What a refusal says in place of the general sentence. */
  says?: (problem: Problem) => ReactNode;
  children: (errors: Record<string, string>) => ReactNode;
};

/** A dialog with a form. */
export function FormDialog<Data>({ title, lead, submit, isDanger = false, onClose, says, children, ...options }: Props<Data>) {
  const t = useTranslations("ui");
  const words = useTranslations("problems");
  const { form, onSubmit, errors, problem, isSending } = useForm(options);
  return (
    <Dialog title={title} lead={lead} onClose={onClose}>
      <form ref={form} onSubmit={onSubmit} className="grid min-h-0 gap-4 overflow-y-auto p-5" noValidate>
        {problem ? (
          <div className="note note-error" role="alert" tabIndex={-1}>
            {says?.(problem) ?? sentence(words, problem)}
          </div>
        ) : null}
        {children(errors)}
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" className={`btn ${isDanger ? "btn-danger" : "btn-primary"}`} aria-disabled={isSending}>
            {submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
