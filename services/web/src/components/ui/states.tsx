"use client";

import { CircleAlert, Copy } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";

import type { Problem } from "@/api/problem";
import { sentence } from "@/lib/words";

/** In place of a part that failed: what failed, another attempt, and the id to hand on. The rest of the page works. */
export function Failed({ what, problem }: { what: string; problem: Problem }) {
  const t = useTranslations("ui");
  const words = useTranslations("problems");
  const router = useRouter();
  return (
    <div className="note note-error" role="alert">
      <CircleAlert size={16} aria-hidden="true" />
      <div className="min-w-0">
        <p>
          <b>{what}</b> {sentence(words, problem)}
        </p>
        <p className="mt-2 flex flex-wrap items-center gap-2">
          <button type="button" className="btn" onClick={() => router.refresh()}>
            {t("tryAgain")}
          </button>
          {problem.requestId ? (
            <button type="button" className="btn btn-quiet" onClick={() => void navigator.clipboard.writeText(problem.requestId)}>
              <Copy size={14} aria-hidden="true" />
              {t("copyRequest")}
            </button>
          ) : null}
        </p>
      </div>
    </div>
  );
}

/** What belongs here, why it is empty, and one thing to do. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="grid justify-items-center gap-1 px-6 py-14 text-center">
      <p className="text-lg font-semibold">{title}</p>
      {children ? <p className="max-w-prose text-text-2">{children}</p> : null}
      {action ? <div className="mt-4">{action}</div> : null}
    </div>
  );
}
