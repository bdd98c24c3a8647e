"use client";

import { UserRoundX } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import type { Problem } from "@/api/problem";
import { Avatar } from "@/components/domain/person";
import { Dialog } from "@/components/ui/dialog";
import { useToast } from "@/components/ui/toasts";
import { sentence } from "@/lib/words";

type Person = { id: string; name: string };
type Props = { tasks: string[]; people: Person[]; me: Person; onClose: () => void; onDone: () => void };

/** Gives one task or several to somebody, or to nobody. */
export function AssignDialog({ tasks, people, me, onClose, onDone }: Props) {
  const t = useTranslations("assign");
  const words = useTranslations("problems");
  const show = useToast();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const shown = [me, ...people.filter((person) => person.id !== me.id)].filter((person) => person.name.toLowerCase().includes(text.trim().toLowerCase()));

  async function assign(person: Person | undefined) {
    if (isSending) return;
    setSending(true);
    const outcomes = await Promise.all(
      tasks.map((id) =>
        attempt(api.POST("/api/tasks/{id}/assign", { params: { path: { id }, header: { "Idempotency-Key": newKey() } }, body: { assigneeId: person?.id ?? null } })),
      ),
    );
    setSending(false);
    const refused = outcomes.filter((outcome) => outcome.problem);
    if (refused.length === tasks.length) {
      setProblem(refused[0]?.problem);
      return;
    }
    const count = tasks.length - refused.length;
    show({ text: person ? t("done", { count, name: person.name }) : t("doneNobody", { count }) });
    onDone();
  }

  return (
    <Dialog title={t("title", { count: tasks.length })} onClose={onClose}>
      <div className="p-5">
        <label className="sr-only" htmlFor="assign-filter">
          {t("filter")}
        </label>
        <input id="assign-filter" type="text" className="input" placeholder={t("filter")} value={text} onChange={(event) => setText(event.currentTarget.value)} autoFocus />
        {problem ? (
          <p className="note note-error mt-3" role="alert">
            {sentence(words, problem)}
          </p>
        ) : null}
        <ul className="mt-3 max-h-80 overflow-y-auto">
          {shown.map((person) => (
            <li key={person.id}>
              <button type="button" className="menu-item" onClick={() => void assign(person)}>
                <Avatar name={person.name} />
                {person.id === me.id ? t("toMe", { name: person.name }) : person.name}
              </button>
            </li>
          ))}
          <li>
            <button type="button" className="menu-item text-text-2" onClick={() => void assign(undefined)}>
              <span className="avatar avatar-place">
                <UserRoundX size={14} aria-hidden="true" />
              </span>
              {t("nobody")}
            </button>
          </li>
        </ul>
      </div>
    </Dialog>
  );
}
