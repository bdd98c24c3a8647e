"use client";

import { CircleAlert, LoaderCircle } from "lucide-react";
import { useTranslations } from "next-intl";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { type Outcome, send } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { mistakes, sentence } from "@/lib/words";

type Props = {
  path: `/session/${string}`;
  submit: string;
  /** Fields that the reader does not type. */
  extra?: Record<string, string | undefined>;
  /** A sentence in place of the general one, for a code. */
  instead?: Partial<Record<Problem["code"], ReactNode>>;
  onDone: (data: unknown) => void;
  children: (errors: Record<string, string>) => ReactNode;
};

/** A form of an identity page: sends what is typed as JSON, keeps it on a refusal, says what is wrong and moves the focus there. */
export function IdentityForm({ path, submit, extra, instead, onDone, children }: Props) {
  const words = useTranslations("problems");
  const [failed, setFailed] = useState<Extract<Outcome<unknown>, { problem: Problem }>>();
  const [isSending, setSending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const errors = failed ? mistakes(words, failed.problem) : {};
  const isGeneral = failed !== undefined && (failed.problem.code !== "VALIDATION_001" || Object.keys(errors).length === 0);

  useEffect(() => {
    if (!failed) return;
    const first = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]') ?? form.current?.querySelector<HTMLElement>("[role=alert]");
    first?.focus();
  }, [failed]);

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isSending) return;
    setSending(true);
    setFailed(undefined);
    const typed = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    const outcome = await send(path, { ...typed, ...extra });
    if (outcome.problem) {
      setFailed(outcome);
      setSending(false);
    } else {
      onDone(outcome.data);
    }
  }

  return (
    // By POST, should it be sent before the script has come: a password never stands in an address.
    <form ref={form} method="post" onSubmit={onSubmit} noValidate>
      {isGeneral ? (
        <div className="note note-error" role="alert" tabIndex={-1}>
          <CircleAlert size={16} aria-hidden="true" />
          <span>{instead?.[failed.problem.code] ?? <Sentence problem={failed.problem} retryAfter={failed.retryAfter} />}</span>
        </div>
      ) : null}
      {children(errors)}
      <button type="submit" className="btn btn-primary btn-lg" aria-disabled={isSending}>
        {isSending ? <LoaderCircle size={16} className="motion-safe:animate-spin" aria-hidden="true" /> : null}
        {submit}
      </button>
    </form>
  );
}

/** Counts down where the answer says how long to wait. */
function Sentence({ problem, retryAfter }: { problem: Problem; retryAfter?: number }) {
  const words = useTranslations("problems");
  const [left, setLeft] = useState(retryAfter ?? 0);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  if (retryAfter && left <= 0) return words("tryNow");
  return sentence(words, problem, left || undefined);
}
