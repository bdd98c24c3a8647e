"use client";

import { LogOut } from "lucide-react";
import { useTranslations } from "next-intl";

import { send } from "@/api/browser";

export function LeaveButton() {
  const t = useTranslations("buyer");
  return (
    <button
      type="button"
      className="buyer-link"
      onClick={async () => {
        await send("/session/logout");
        window.location.assign("/login");
      }}
    >
      <LogOut size={17} aria-hidden="true" />
      <span>{t("signOut")}</span>
    </button>
  );
}
