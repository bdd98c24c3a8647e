"use client";

import { UserRoundPlus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, useRef, useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import type { Problem } from "@/api/problem";
import type { components } from "@/api/schema";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { useToast } from "@/components/ui/toasts";
import { mistakes, sentence } from "@/lib/words";

type Role = components["schemas"]["InviteBody"]["role"];

export function Invite({ roles }: { roles: string[] }) {
  const t = useTranslations("team");
  const inWords = useTranslations("roles");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const key = useRef(newKey());
  const errors = problem ? { ...mistakes(words, problem), ...(problem.code === "EMAIL_TAKEN" ? { email: words("EMAIL_TAKEN") } : {}) } : ({} as Record<string, string>);

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isSending) return;
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    setSending(true);
    const outcome = await attempt(
      api.POST("/api/users", { params: { header: { "Idempotency-Key": key.current } }, body: { email: text("email"), fullName: text("fullName"), role: text("role") as Role } }),
    );
    setSending(false);
    key.current = newKey();
    if (outcome.problem) {
      setProblem(outcome.problem);
      return;
    }
    setOpen(false);
    show({ text: t("sent", { name: outcome.data.fullName }) });
    router.refresh();
  }

  return (
    <>
      <button
        type="button"
        className="btn btn-primary"
        onClick={() => {
          setProblem(undefined);
          setOpen(true);
        }}
      >
        <UserRoundPlus size={15} aria-hidden="true" />
        {t("invite")}
      </button>
      {isOpen ? (
        <Dialog title={t("invite")} lead={t("inviteLead")} onClose={() => setOpen(false)}>
          <form onSubmit={onSubmit} className="grid gap-4 p-5" noValidate>
            {problem && Object.keys(errors).length === 0 ? (
              <p className="note note-error" role="alert">
                {sentence(words, problem)}
              </p>
            ) : null}
            <Field label={t("email")} name="email" type="email" required autoComplete="off" error={errors.email} autoFocus />
            <Field label={t("name")} name="fullName" required maxLength={200} autoComplete="off" error={errors.fullName} />
            <div>
              <label className="label" htmlFor="invite-role">
                {t("role")}
              </label>
              <select id="invite-role" name="role" className="input">
                {roles.map((role) => (
                  <option key={role} value={role}>
                    {inWords(role)}
                  </option>
                ))}
              </select>
            </div>
            <div className="flex justify-end gap-2">
              <button type="button" className="btn" onClick={() => setOpen(false)}>
                {t("cancel")}
              </button>
              <button type="submit" className="btn btn-primary" aria-disabled={isSending}>
                {t("send")}
              </button>
            </div>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}

export function Disable({ id, name }: { id: string; name: string }) {
  const t = useTranslations("team");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);

  async function disable() {
    if (isSending) return;
    setSending(true);
    const outcome = await attempt(api.DELETE("/api/users/{id}", { params: { path: { id } } }));
    setSending(false);
    setProblem(outcome.problem);
    if (outcome.problem) return;
    setOpen(false);
    show({ text: t("disabled", { name }) });
    router.refresh();
  }

  return (
    <>
      <button type="button" className="btn" onClick={() => setOpen(true)}>
        {t("disable")}
        <span className="sr-only">{name}</span>
      </button>
      {isOpen ? (
        <Dialog title={t("disableTitle", { name })} onClose={() => setOpen(false)}>
          <div className="grid gap-4 p-5 text-start">
            <p className="text-text-2">{t("disableExplain")}</p>
            {problem ? (
              <p className="note note-error" role="alert">
                {sentence(words, problem)}
              </p>
            ) : null}
            <div className="flex justify-end gap-2">
              <button type="button" className="btn" onClick={() => setOpen(false)}>
                {t("cancel")}
              </button>
              <button type="button" className="btn btn-danger" aria-disabled={isSending} onClick={() => void disable()}>
                {t("disable")}
              </button>
            </div>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
