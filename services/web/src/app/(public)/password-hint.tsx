"use client";

import { Check } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";

import { PasswordField } from "@/components/ui/field";

/** The shortest password, as the API has it. */
const SHORTEST = 12;

/** A password to be chosen: the rule is there before typing, and says when it is met. */
export function NewPasswordField({ name, label, error }: { name: string; label?: string; error?: string }) {
  const t = useTranslations("identity");
  const [length, setLength] = useState(0);
  const isMet = length >= SHORTEST;
  return (
    <PasswordField
      label={label ?? t("password")}
      name={name}
      autoComplete="new-password"
      required
      minLength={SHORTEST}
      maxLength={256}
      error={error}
      onChange={(event) => setLength(Array.from(event.currentTarget.value).length)}
      hint={
        isMet ? (
          <span className="t-COMPLETED inline-flex items-center gap-1">
            <Check size={14} aria-hidden="true" />
            {t("passwordMet")}
          </span>
        ) : (
          t("passwordRule", { shortest: SHORTEST, missing: length === 0 ? 0 : SHORTEST - length })
        )
      }
    />
  );
}
