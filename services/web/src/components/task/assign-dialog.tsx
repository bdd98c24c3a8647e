"use client";

import { UserRoundX } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";

import { Avatar } from "@/components/domain/person";
import { Dialog } from "@/components/ui/dialog";

type Person = { id: string; name: string };
type Props = { count: number; people: Person[]; me: Person; onClose: () => void; onChoose: (person: Person | undefined) => void };

/** Chooses who gets one task or several: somebody or nobody. */
export function AssignDialog({ count, people, me, onClose, onChoose }: Props) {
  const t = useTranslations("assign");
  const [text, setText] = useState("");
  const shown = [me, ...people.filter((person) => person.id !== me.id)].filter((person) => person.name.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <Dialog title={t("title", { count })} onClose={onClose}>
      <form
        className="p-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() && shown[0]) onChoose(shown[0]);
        }}
      >
        <label className="sr-only" htmlFor="assign-filter">
          {t("filter")}
        </label>
        <input id="assign-filter" type="text" className="input" placeholder={t("filter")} autoComplete="off" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <ul className="mt-3 max-h-80 overflow-y-auto">
          {shown.map((person) => (
            <li key={person.id}>
              <button type="button" className="menu-item" onClick={() => onChoose(person)}>
                <Avatar name={person.name} />
                {person.id === me.id ? t("toMe", { name: person.name }) : person.name}
              </button>
            </li>
          ))}
          <li>
            <button type="button" className="menu-item text-text-2" onClick={() => onChoose(undefined)}>
              <span className="avatar avatar-place">
                <UserRoundX size={14} aria-hidden="true" />
              </span>
              {t("nobody")}
            </button>
          </li>
        </ul>
      </form>
    </Dialog>
  );
}
