"use client";

import { UserRoundPlus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, useRef, useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { useToast } from "@/components/ui/toasts";
import { mistakes, sentence } from "@/lib/words";

/** Adds somebody to the deal; with a login, the open tasks of that part become theirs. */
export function AddParty({ dealId, roles, people }: { dealId: string; roles: string[]; people: { id: string; name: string }[] }) {
  const t = useTranslations("parties");
  const parts = useTranslations("roles");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const key = useRef(newKey());
  const errors = problem ? mistakes(words, problem) : {};

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isSending) return;
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    setSending(true);
    const outcome = await attempt(
      api.POST("/api/deals/{id}/parties", {
        params: { path: { id: dealId }, header: { "Idempotency-Key": key.current } },
        body: { role: text("role"), name: text("name"), company: text("company") || null, phone: text("phone") || null, email: text("email") || null, userId: text("userId") || null },
      }),
    );
    setSending(false);
    key.current = newKey();
    if (outcome.problem) {
      setProblem(outcome.problem);
      return;
    }
    setOpen(false);
    show({ text: t("added", { name: outcome.data.name }) });
    router.refresh();
  }

  return (
    <>
      <button
        type="button"
        className="btn"
        onClick={() => {
          setProblem(undefined);
          setOpen(true);
        }}
      >
        <UserRoundPlus size={15} aria-hidden="true" />
        {t("add")}
      </button>
      {isOpen ? (
        <Dialog title={t("add")} onClose={() => setOpen(false)}>
          <form onSubmit={onSubmit} className="grid gap-4 overflow-y-auto p-5" noValidate>
            {problem && Object.keys(errors).length === 0 ? (
              <p className="note note-error" role="alert">
                {sentence(words, problem)}
              </p>
            ) : null}
            <div className="grid gap-4 sm:grid-cols-2">
              <div>
                <label className="label" htmlFor="party-role">
                  {t("head.part")}
                </label>
                <select id="party-role" name="role" className="input" defaultValue="lender">
                  {roles.map((role) => (
                    <option key={role} value={role}>
                      {parts(role)}
                    </option>
                  ))}
                </select>
              </div>
              <Field label={t("head.name")} name="name" required maxLength={200} error={errors.name} autoComplete="off" autoFocus />
              <Field label={t("head.company")} name="company" maxLength={200} error={errors.company} autoComplete="off" />
              <Field label={t("head.phone")} name="phone" type="tel" maxLength={50} error={errors.phone} autoComplete="off" />
              <Field label={t("head.email")} name="email" type="email" error={errors.email} autoComplete="off" />
              <div>
                <label className="label" htmlFor="party-user">
                  {t("head.login")}
                </label>
                <select id="party-user" name="userId" className="input" defaultValue="">
                  <option value="">{t("noLogin")}</option>
                  {people.map((person) => (
                    <option key={person.id} value={person.id}>
                      {person.name}
                    </option>
                  ))}
                </select>
              </div>
            </div>
            <div className="flex justify-end gap-2">
              <button type="button" className="btn" onClick={() => setOpen(false)}>
                {t("cancel")}
              </button>
              <button type="submit" className="btn btn-primary" aria-disabled={isSending}>
                {t("addSubmit")}
              </button>
            </div>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
