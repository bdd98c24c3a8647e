"use client";

import { Printer } from "lucide-react";
import { useTranslations } from "next-intl";

export function PrintButton() {
  const t = useTranslations("buyer");
  return (
    <button type="button" className="buyer-link" onClick={() => window.print()}>
      <Printer size={17} aria-hidden="true" />
      <span>{t("print")}</span>
    </button>
  );
}
