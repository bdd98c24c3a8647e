"use client";

import { Check } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useRef, useState, useTransition } from "react";

import { api, attempt, newKey } from "@/api/browser";
import { sentence } from "@/lib/words";

/** Two taps: the second says yes. */
export function DoneButton({ taskId, title }: { taskId: string; title: string }) {
  const t = useTranslations("buyer");
  const words = useTranslations("problems");
  const router = useRouter();
  const [isAsking, setAsking] = useState(false);
  const [says, setSays] = useState("");
  const [isBusy, startTransition] = useTransition();
  const key = useRef(newKey());

  const complete = () =>
    startTransition(async () => {
      const outcome = await attempt(api.POST("/api/tasks/{id}/complete", { params: { path: { id: taskId }, header: { "Idempotency-Key": key.current } }, body: {} }));
      if (outcome.problem) {
        key.current = newKey();
        setSays(sentence(words, outcome.problem));
        setAsking(false);
        return;
      }
      setSays(t("thanks"));
      setAsking(false);
      router.refresh();
    });

  return (
    <>
      <div className="buyer-acts">
        {isAsking ? (
          <>
            <button type="button" className="btn btn-primary btn-lg" aria-disabled={isBusy} onClick={() => !isBusy && complete()} autoFocus>
              <Check size={18} aria-hidden="true" />
              {t("sure")}
            </button>
            <button type="button" className="btn btn-lg" onClick={() => setAsking(false)}>
              {t("notYet")}
            </button>
          </>
        ) : (
          <button type="button" className="btn btn-primary btn-lg" onClick={() => setAsking(true)}>
            <Check size={18} aria-hidden="true" />
            {t("done")}
            <span className="sr-only">{title}</span>
          </button>
        )}
      </div>
      <p role="status" className="mt-2 empty:hidden">
        {says}
      </p>
    </>
  );
}
