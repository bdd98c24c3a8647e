"use client";

import { useTranslations } from "next-intl";

import { Dialog } from "@/components/ui/dialog";
import { useKeys } from "@/lib/keys";

const LISTS = {
  everywhere: [
    ["Ctrl K", "palette"],
    ["/", "filter"],
    ["G W", "work"],
    ["G D", "deals"],
    ["G N", "notifications"],
    ["?", "help"],
    ["Esc", "close"],
  ],
  lists: [
    ["J", "down"],
    ["K", "up"],
    ["↵", "open"],
    ["X", "select"],
    ["⇧ J", "extend"],
    ["Ctrl A", "group"],
    ["E", "complete"],
    ["A", "assign"],
    ["F", "followUp"],
    ["C", "comment"],
  ],
  deal: [
    ["1 – 5", "tabs"],
    ["M", "move"],
    ["T", "add"],
    ["B", "buyer"],
  ],
} as const;

/** Every shortcut, and the switch for those of a single letter. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const t = useTranslations("shortcuts");
  const keys = useKeys();
  return (
    <Dialog title={t("title")} onClose={onClose}>
      <div className="grid gap-5 overflow-y-auto p-5">
        {(Object.keys(LISTS) as (keyof typeof LISTS)[]).map((list) => (
          <section key={list} aria-labelledby={`keys-${list}`}>
            <h3 id={`keys-${list}`} className="card-title mb-1.5">
              {t(`list.${list}`)}
            </h3>
            <dl className="shortcuts">
              {LISTS[list].map(([key, name]) => (
                <div key={name}>
                  <dt>{t(`does.${name}`)}</dt>
                  <dd>
                    {key.split(" ").map((one) => (
                      <kbd key={one} className="kbd">
                        {one}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <label className="flex items-start gap-2 border-t border-line pt-4 text-sm">
          <input type="checkbox" role="switch" className="mt-1" checked={keys.areOn} onChange={(event) => keys.turn(event.currentTarget.checked)} />
          {t("letters")}
        </label>
      </div>
    </Dialog>
  );
}
