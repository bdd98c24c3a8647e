"use client";

import { Lock, UsersRound } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, useRef, useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { sentence } from "@/lib/words";

type Visibility = "INTERNAL" | "SHARED";

/** Who will read a comment is chosen before it is typed; internal unless somebody says otherwise. */
export function CommentForm({ taskId }: { taskId: string }) {
  const t = useTranslations("task");
  const words = useTranslations("problems");
  const router = useRouter();
  const [visibility, setVisibility] = useState<Visibility>("INTERNAL");
  const [body, setBody] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  // The key stays the same until the comment is taken: a repetition adds no second one.
  const key = useRef(newKey());

  async function onSubmit(event: FormEvent) {
    event.preventDefault();
    if (isSending || body.trim() === "") return;
    setSending(true);
    const outcome = await attempt(
      api.POST("/api/tasks/{id}/comments", { params: { path: { id: taskId }, header: { "Idempotency-Key": key.current } }, body: { body: body.trim(), visibility } }),
    );
    setSending(false);
    setProblem(outcome.problem);
    if (outcome.problem) return;
    key.current = newKey();
    setBody("");
    setVisibility("INTERNAL");
    router.refresh();
  }

  const choice = (value: Visibility, label: string, Icon: typeof Lock) => (
    <button type="button" aria-pressed={visibility === value} onClick={() => setVisibility(value)}>
      <Icon size={13} aria-hidden="true" />
      {label}
    </button>
  );
  return (
    <form onSubmit={onSubmit} className="comment-form">
      <label className="sr-only" htmlFor={`comment-${taskId}`}>
        {t("write")}
      </label>
      <textarea
        id={`comment-${taskId}`}
        data-act="comment"
        rows={body.includes("\n") || body.length > 60 ? 3 : 1}
        maxLength={10_000}
        placeholder={visibility === "SHARED" ? t("writeShared") : t("write")}
        value={body}
        onChange={(event) => setBody(event.currentTarget.value)}
      />
      <div className="flex flex-wrap items-center gap-2">
        <div className="segments" role="group" aria-label={t("whoReads")}>
          {choice("INTERNAL", t("internal"), Lock)}
          {choice("SHARED", t("shared"), UsersRound)}
        </div>
        <button type="submit" className="btn ms-auto" aria-disabled={isSending || body.trim() === ""}>
          {visibility === "SHARED" ? t("shareComment") : t("comment")}
        </button>
      </div>
      {problem ? (
        <p className="field-error" role="alert">
          {sentence(words, problem)}
        </p>
      ) : null}
    </form>
  );
}
