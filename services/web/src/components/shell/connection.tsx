"use client";

import { useLocale, useTranslations } from "next-intl";
import { useEffect, useState } from "react";

import { timeInWords } from "@/lib/days";

/** Says when the device has no network, and since when what is seen is as it was. */
export function Connection({ zone }: { zone: string }) {
  const t = useTranslations("shell");
  const locale = useLocale();
  const [since, setSince] = useState<string>();
  useEffect(() => {
    const look = () => setSince(navigator.onLine ? undefined : new Date().toISOString());
    look();
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    return () => {
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
    };
  }, []);
  return (
    <p role="status" className="connection">
      {since ? t("offline", { time: timeInWords(locale, zone, since) }) : null}
    </p>
  );
}
