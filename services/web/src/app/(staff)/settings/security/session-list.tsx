"use client";

import { LogOut, Monitor, Smartphone } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useTransition } from "react";

import { api, attempt } from "@/api/browser";
import { useToast } from "@/components/ui/toasts";
import { inTurns } from "@/lib/in-turns";
import { sentence } from "@/lib/words";

/** A session in words: the page knows the reader's zone and language. */
export type ShownSession = { id: string; browser: string; system: string; isPhone: boolean; address: string; since: string; used: string; isCurrent: boolean };

/** So many are ended at a time. */
const AT_ONCE = 4;

/** Where the reader is signed in. Each session but this one can be ended here; this one ends by signing out. */
export function SessionList({ sessions }: { sessions: ShownSession[] }) {
  const t = useTranslations("sessions");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isBusy, startTransition] = useTransition();
  const others = sessions.filter((session) => !session.isCurrent);
  const nameOf = ({ browser, system }: ShownSession) => (browser && system ? t("on", { browser, system }) : browser || system || t("unknown"));
  const end = (which: ShownSession[]) =>
    startTransition(async () => {
      const outcomes = await inTurns(which, AT_ONCE, ({ id }) => attempt(api.DELETE("/api/auth/sessions/{id}", { params: { path: { id } } })));
      // What is over already is as it should be.
      const problem = outcomes.find((outcome) => outcome.problem && outcome.problem.status !== 404)?.problem;
      show(problem ? { kind: "failed", text: sentence(words, problem) } : { text: t("ended", { count: which.length }) });
      router.refresh();
    });
  return (
    <>
      <ul className="divide-y divide-line">
        {sessions.map((session) => {
          const Icon = session.isPhone ? Smartphone : Monitor;
          return (
            <li key={session.id} className="flex flex-wrap items-center gap-3 py-2.5">
              <Icon size={18} className="flex-none text-text-3" aria-hidden="true" />
              <span className="min-w-0 flex-1">
                <b>{nameOf(session)}</b>
                <span className="block text-sm text-text-2">{[session.address, t("since", { since: session.since }), session.isCurrent ? "" : t("used", { used: session.used })].filter(Boolean).join(" · ")}</span>
              </span>
              {session.isCurrent ? (
                <span className="pill t-COMPLETED">{t("current")}</span>
              ) : (
                <button type="button" className="btn" aria-label={t("endThis", { name: nameOf(session) })} aria-disabled={isBusy} onClick={() => end([session])}>
                  {t("end")}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {others.length > 1 ? (
        <button type="button" className="btn mt-3" aria-disabled={isBusy} onClick={() => end(others)}>
          <LogOut size={15} aria-hidden="true" />
          {t("endOthers")}
        </button>
      ) : null}
    </>
  );
}
