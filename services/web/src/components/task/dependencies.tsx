"use client";

import { Plus, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import type { Problem } from "@/api/problem";
import type { PlanTask } from "@/api/types";
import { TaskGlyph } from "@/components/domain/status";
import { Dialog } from "@/components/ui/dialog";
import { useToast } from "@/components/ui/toasts";
import { sentence } from "@/lib/words";

type Props = { task: { id: string; title: string; dealId: string }; taken: string[] };

/** Makes the task wait for another one of its deal, found by typing. */
export function AddDependency({ task, taken }: Props) {
  const t = useTranslations("dependencies");
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn btn-quiet ms-auto" onClick={() => setOpen(true)}>
        <Plus size={14} aria-hidden="true" />
        {t("add")}
      </button>
      {isOpen ? <ChooseDialog task={task} taken={taken} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

/** So many tasks show; typing finds the others. */
const SHOWN = 8;

function ChooseDialog({ task, taken, onClose }: Props & { onClose: () => void }) {
  const t = useTranslations("dependencies");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [all, setAll] = useState<PlanTask[]>();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);

  useEffect(() => {
    let isCurrent = true;
    void attempt(api.GET("/api/deals/{id}/plan", { params: { path: { id: task.dealId } } })).then((found) => {
      if (!isCurrent) return;
      setProblem(found.problem);
      setAll(found.data ? [...found.data.milestones.flatMap((milestone) => milestone.tasks), ...found.data.otherTasks] : []);
    });
    return () => {
      isCurrent = false;
    };
  }, [task.dealId]);

  async function choose(other: PlanTask) {
    if (isSending) return;
    setSending(true);
    const outcome = await attempt(
      api.POST("/api/tasks/{id}/dependencies", { params: { path: { id: task.id }, header: { "Idempotency-Key": newKey() } }, body: { dependsOnId: other.id } }),
    );
    setSending(false);
    setProblem(outcome.problem);
    if (outcome.problem) return;
    onClose();
    show({ text: t("added", { title: other.title }) });
    router.refresh();
  }

  const free = (all ?? []).filter((other) => other.id !== task.id && !taken.includes(other.id));
  const wanted = text.trim().toLowerCase();
  const found = free.filter((other) => other.title.toLowerCase().includes(wanted)).slice(0, SHOWN);
  const titles = new Map((all ?? []).map((other) => [other.id, other.title]));
  const cycle = problem?.code === "TASK_DEPENDENCY_CYCLE" ? ((problem.details.path ?? []) as string[]) : [];

  return (
    <Dialog title={t("title")} lead={task.title} onClose={onClose}>
      <div className="grid gap-3 overflow-y-auto p-5">
        <div>
          <label className="label" htmlFor="dependency-filter">
            {t("filter")}
          </label>
          <input id="dependency-filter" type="text" className="input" autoComplete="off" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        </div>
        {problem ? (
          <div className="note note-error" role="alert">
            <div>
              <p>{sentence(words, problem)}</p>
              {cycle.length ? (
                <ol className="mt-1 list-decimal ps-5">
                  {cycle.map((id, index) => (
                    <li key={`${id}-${index}`}>{titles.get(id) ?? t("hidden")}</li>
                  ))}
                </ol>
              ) : null}
            </div>
          </div>
        ) : null}
        {all === undefined ? <div className="skeleton h-40" aria-hidden="true" /> : null}
        {all && found.length === 0 ? <p className="text-sm text-text-2">{t("none")}</p> : null}
        <ul>
          {found.map((other) => (
            <li key={other.id}>
              <button type="button" className="menu-item" onClick={() => void choose(other)}>
                <TaskGlyph status={other.status} />
                {other.title}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  );
}

/** The task waits for it no longer. */
export function RemoveDependency({ taskId, other }: { taskId: string; other: { id: string; title: string } }) {
  const t = useTranslations("dependencies");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  const [isSending, setSending] = useState(false);

  const add = async () => {
    const outcome = await attempt(api.POST("/api/tasks/{id}/dependencies", { params: { path: { id: taskId }, header: { "Idempotency-Key": newKey() } }, body: { dependsOnId: other.id } }));
    if (outcome.problem) show({ kind: "failed", text: sentence(words, outcome.problem) });
    router.refresh();
  };
  const remove = async () => {
    if (isSending) return;
    setSending(true);
    const outcome = await attempt(api.DELETE("/api/tasks/{id}/dependencies/{dependsOnId}", { params: { path: { id: taskId, dependsOnId: other.id } } }));
    setSending(false);
    if (outcome.problem) show({ kind: "failed", text: sentence(words, outcome.problem) });
    else show({ text: t("removed", { title: other.title }), action: { label: t("undo"), run: () => void add() } });
    router.refresh();
  };
  return (
    <button type="button" className="icon-link text-text-2" aria-label={t("remove", { title: other.title })} title={t("remove", { title: other.title })} aria-disabled={isSending} onClick={() => void remove()}>
      <X size={15} aria-hidden="true" />
    </button>
  );
}
