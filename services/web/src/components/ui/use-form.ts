"use client";

import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, type RefObject, useEffect, useRef, useState } from "react";

import { newKey, type Outcome } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { mistakes, sentence } from "@/lib/words";

export type FormOptions<Data> = {
  /** Asks the API. The key stays the same until it answers, so that a repetition does nothing twice. */
  send: (form: FormData, key: string) => Promise<Outcome<Data>>;
  /** After the API took it; the page is fetched again by itself. */
  onDone: (data: Data) => void;
  /** The field that a code of the API is about. */
  fieldOf?: Partial<Record<Problem["code"], string>>;
};

type FormState = {
  form: RefObject<HTMLFormElement | null>;
  onSubmit: (event: FormEvent<HTMLFormElement>) => Promise<void>;
  /** What is wrong with each field. */
  errors: Record<string, string>;
  /** A refusal that is about no field. */
  problem: Problem | undefined;
  isSending: boolean;
};

const STALE: readonly string[] = ["VERSION_CONFLICT", "VERSION_MISMATCH"];

/** The text of a form's field, without the spaces around it. */
export const textOf = (form: FormData, name: string): string => String(form.get(name) ?? "").trim();

/** A form that keeps what is typed on a refusal, says what is wrong, and moves the focus there. */
export function useForm<Data>({ send, onDone, fieldOf = {} }: FormOptions<Data>): FormState {
  const words = useTranslations("problems");
  const router = useRouter();
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const key = useRef(newKey());
  const form = useRef<HTMLFormElement>(null);
  const field = problem ? fieldOf[problem.code] : undefined;
  const errors = problem ? { ...mistakes(words, problem), ...(field ? { [field]: sentence(words, problem) } : {}) } : {};

  useEffect(() => {
    if (problem) form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role=alert]')?.focus();
  }, [problem]);

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isSending) return;
    setSending(true);
    const outcome = await send(new FormData(event.currentTarget), key.current);
    setSending(false);
    key.current = newKey();
    setProblem(outcome.problem);
    if (outcome.problem) {
      // The page brings the new version; what is typed stays, and the next attempt is meant for it.
      if (STALE.includes(outcome.problem.code)) router.refresh();
      return;
    }
    onDone(outcome.data);
    router.refresh();
  }

  return { form, onSubmit, errors, problem: Object.keys(errors).length === 0 ? problem : undefined, isSending };
}
