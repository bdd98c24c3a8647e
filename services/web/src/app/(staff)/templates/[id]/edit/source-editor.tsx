"use client";

import { CircleAlert, CircleCheck } from "lucide-react";
import { useTranslations } from "next-intl";
import dynamic from "next/dynamic";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";

import { api, attempt } from "@/api/browser";
import type { Problem } from "@/api/problem";
import type { components } from "@/api/schema";
import { Said } from "@/components/domain/said";
import { FormDialog } from "@/components/ui/form-dialog";
import { useToast } from "@/components/ui/toasts";
import { sentence } from "@/lib/words";

import type { EditorHandle } from "./yaml-editor";

type Mistake = components["schemas"]["TemplateMistake"];
type Props = { id: string; name: string; source: string; version: number; mistakes: Mistake[] };

const PAUSE_MS = 400;

/** Loaded on this page alone. */
const YamlEditor = dynamic(() => import("./yaml-editor").then((module) => module.YamlEditor), { ssr: false, loading: () => <div className="skeleton h-full" /> });

/** The source on the left, what is wrong with it on the right. Publishing waits for the last mistake and for what is not saved. */
export function SourceEditor({ id, name, source, version, mistakes }: Props) {
  const t = useTranslations("templates");
  const words = useTranslations("problems");
  const router = useRouter();
  const show = useToast();
  // A refresh brings the saved source; the editor goes on with its own text, cursor and history.
  const [initial] = useState(source);
  const [text, setText] = useState(source);
  const [saved, setSaved] = useState({ source, version });
  const [found, setFound] = useState<{ of: string; mistakes: Mistake[] }>({ of: source, mistakes });
  const [problem, setProblem] = useState<Problem>();
  const [isSaving, setSaving] = useState(false);
  const [isPublishing, setPublishing] = useState(false);
  const editor = useRef<EditorHandle>(null);
  const isSaved = text === saved.source;
  const isChecked = text === found.of;
  const why = !isChecked ? t("why.checking") : found.mistakes.length ? t("why.mistakes", { count: found.mistakes.length }) : isSaved ? undefined : t("why.save");

  useEffect(() => {
    if (text === found.of) return;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      const outcome = await attempt(api.POST("/api/templates/{id}/validate", { params: { path: { id } }, body: { source: text }, signal: controller.signal })).catch(() => undefined);
      if (controller.signal.aborted || !outcome) return;
      setProblem(outcome.problem);
      if (outcome.data) setFound({ of: text, mistakes: outcome.data.errors });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [id, text, found.of]);

  useEffect(() => {
    if (isSaved) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [isSaved]);

  async function save() {
    if (isSaved || isSaving) return;
    setSaving(true);
    const outcome = await attempt(api.PUT("/api/templates/{id}", { params: { path: { id }, header: { "If-Match": `"${saved.version}"` } }, body: { source: text } }));
    setSaving(false);
    setProblem(outcome.problem);
    if (outcome.problem) return;
    setSaved({ source: text, version: outcome.data.version });
    show({ text: t("draftSaved") });
    router.refresh();
  }

  return (
    <div className="template-edit">
      <p className="note note-quiet md:hidden">{t("narrow")}</p>
      <div className="template-source">
        <YamlEditor ref={editor} label={t("source")} initial={initial} mistakes={found.mistakes} onChange={setText} onSave={() => void save()} />
      </div>
      <aside className="aside" aria-label={t("problems")}>
        <section className="card" aria-live="polite" aria-busy={!isChecked}>
          <h2 className="card-title mb-2">
            {t("problems")} <span className="tnum font-normal text-text-2">{found.mistakes.length}</span>
          </h2>
          {found.mistakes.length === 0 ? (
            <p className="flex items-center gap-2 text-sm">
              <CircleCheck size={16} className="t-COMPLETED flex-none" aria-hidden="true" />
              {t("noProblems")}
            </p>
          ) : (
            <ol className="grid gap-1 text-sm">
              {found.mistakes.map((mistake) => (
                <li key={`${mistake.line}-${mistake.message}`}>
                  <button type="button" className="menu-item items-start!" onClick={() => editor.current?.goTo(mistake.line)}>
                    <CircleAlert size={15} className="t-OVERDUE mt-0.5 flex-none" aria-hidden="true" />
                    <span>
                      <b>{t("line", { line: mistake.line })}</b> <Said>{mistake.message}</Said>
                    </span>
                  </button>
                </li>
              ))}
            </ol>
          )}
        </section>
        <section className="card grid gap-2.5">
          {problem ? (
            <p className="note note-error" role="alert">
              {sentence(words, problem)}
            </p>
          ) : null}
          <button type="button" className="btn" aria-disabled={isSaved || isSaving} onClick={() => void save()}>
            {isSaved ? t("isSaved") : t("saveDraft")}
          </button>
          <button type="button" className="btn btn-primary" aria-disabled={why !== undefined} aria-describedby="why-not-publish" onClick={() => why === undefined && setPublishing(true)}>
            {t("publish")}
          </button>
          <p id="why-not-publish" className="text-xs text-text-2">
            {why ?? t("why.ready")}
          </p>
          <p className="text-xs text-text-2">{t("leaveEditor")}</p>
        </section>
      </aside>
      {isPublishing ? (
        <FormDialog
          title={t("publishTitle")}
          lead={name}
          submit={t("publishSubmit")}
          onClose={() => setPublishing(false)}
          send={(_, key) => attempt(api.POST("/api/templates/{id}/publish", { params: { path: { id }, header: { "Idempotency-Key": key, "If-Match": `"${saved.version}"` } }, body: {} }))}
          onDone={() => {
            show({ text: t("isPublished", { name }) });
            router.push(`/templates/${id}`);
          }}
        >
          {() => <p className="text-sm text-text-2">{t("publishExplain")}</p>}
        </FormDialog>
      ) : null}
    </div>
  );
}
