"use client";

import { useTranslations } from "next-intl";
import type { ReactNode } from "react";

import { sentence } from "@/lib/words";

import { type FormOptions, useForm } from "./use-form";

type Props<Data> = FormOptions<Data> & { submit: string; children: (errors: Record<string, string>) => ReactNode };

/** A form on a page. */
export function PlainForm<Data>({ submit, children, ...options }: Props<Data>) {
  const words = useTranslations("problems");
  const { form, onSubmit, errors, problem, isSending } = useForm(options);
  return (
    <form ref={form} method="post" onSubmit={onSubmit} className="grid gap-4" noValidate>
      {problem ? (
        <div className="note note-error" role="alert" tabIndex={-1}>
          {sentence(words, problem)}
        </div>
      ) : null}
      {children(errors)}
      <p>
        <button type="submit" className="btn btn-primary" aria-disabled={isSending}>
          {submit}
        </button>
      </p>
    </form>
  );
}
