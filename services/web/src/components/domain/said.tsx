import { useLocale } from "next-intl";

import { languageOf } from "@/lib/locale";

/** A sentence that the services write, in English whatever the reader's language: a screen reader says it as such. */
export function Said({ children, ...text }: { children: string; className?: string }) {
  const isForeign = languageOf(useLocale()) !== "en";
  return (
    <span {...text} lang={isForeign ? "en" : undefined}>
      {children}
    </span>
  );
}
