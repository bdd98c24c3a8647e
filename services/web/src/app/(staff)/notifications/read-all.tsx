"use client";

import { CheckCheck } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useTransition } from "react";

import { api, attempt, newKey } from "@/api/browser";
import { useToast } from "@/components/ui/toasts";
import { sentence } from "@/lib/words";

export function ReadAll() {
  const t = useTranslations("notices");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isBusy, startTransition] = useTransition();
  const readAll = () =>
    startTransition(async () => {
      const outcome = await attempt(api.POST("/api/notifications/read-all", { params: { header: { "Idempotency-Key": newKey() } }, body: {} }));
      if (outcome.problem) show({ kind: "failed", text: sentence(words, outcome.problem) });
      router.refresh();
    });
  return (
    <button type="button" className="btn max-md:bg-rail-2 max-md:text-rail-on max-md:border-rail-line" aria-disabled={isBusy} onClick={readAll}>
      <CheckCheck size={15} aria-hidden="true" />
      {t("readAll")}
    </button>
  );
}
