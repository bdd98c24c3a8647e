"use client";

import { ChevronDown, ChevronUp, Link2, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { type ReactNode, useEffect, useRef } from "react";

import { ToastHost, useToast } from "@/components/ui/toasts";
import { isTyping } from "@/lib/keys";

/** The frame of a drawer: Escape, the cross and a click beside it lead back to the page. The URL says which task is open. */
export function DrawerFrame({ id, children }: { id: string; children: ReactNode }) {
  const t = useTranslations("task");
  const ui = useTranslations("ui");
  const router = useRouter();
  const path = usePathname();
  const params = useSearchParams();
  const show = useToast();
  const drawer = useRef<HTMLDialogElement>(null);
  const cross = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const shown = drawer.current;
    shown?.showModal();
    cross.current?.focus();
    return () => shown?.close();
  }, []);
  // A link to a comment leads to the field, once the task is there.
  useEffect(() => {
    if (window.location.hash !== "#comment") return;
    const shown = drawer.current;
    const focus = () => {
      const field = shown?.querySelector<HTMLElement>('[data-act="comment"]');
      field?.focus();
      return field != null;
    };
    if (!shown || focus()) return;
    const watcher = new MutationObserver(() => {
      if (focus()) watcher.disconnect();
    });
    watcher.observe(shown, { childList: true, subtree: true });
    return () => watcher.disconnect();
  }, []);
  /** The list behind stays as it is; its neighbours open in place. */
  const walk = (step: number) => {
    const ids = [...document.querySelectorAll<HTMLElement>("main [data-task]")].filter((row) => row.checkVisibility()).map((row) => row.dataset.task);
    const other = ids[ids.indexOf(id) + step];
    if (!ids.includes(id) || !other) return;
    const next = new URLSearchParams(params);
    next.set("task", other);
    router.replace(`${path}?${next}`, { scroll: false });
  };
  const leave = () => {
    const rest = new URLSearchParams(params);
    rest.delete("task");
    router.push(rest.size ? `${path}?${rest}` : path, { scroll: false });
  };
  const copy = async () => {
    await navigator.clipboard.writeText(`${window.location.origin}/tasks/${id}`);
    show({ text: t("linkCopied") });
  };
  return (
    <dialog
      ref={drawer}
      className="drawer"
      aria-label={t("drawer")}
      onCancel={(event) => {
        event.preventDefault();
        leave();
      }}
      onClick={(event) => event.target === event.currentTarget && leave()}
      onKeyDown={(event) => {
        if (isTyping(event.target) || (event.target as HTMLElement).closest("[role=menu], dialog") !== drawer.current) return;
        if (event.key === "ArrowDown") walk(1);
        if (event.key === "ArrowUp") walk(-1);
      }}
    >
      <div className="absolute end-3 top-3 z-10 flex gap-1">
        <button type="button" className="btn btn-quiet btn-icon max-md:hidden" aria-label={t("previous")} title={t("previous")} onClick={() => walk(-1)}>
          <ChevronUp size={18} aria-hidden="true" />
        </button>
        <button type="button" className="btn btn-quiet btn-icon max-md:hidden" aria-label={t("next")} title={t("next")} onClick={() => walk(1)}>
          <ChevronDown size={18} aria-hidden="true" />
        </button>
        <button type="button" className="btn btn-quiet btn-icon" aria-label={t("copyLink")} onClick={() => void copy()}>
          <Link2 size={17} aria-hidden="true" />
        </button>
        <button ref={cross} type="button" className="btn btn-quiet btn-icon" aria-label={ui("close")} onClick={leave}>
          <X size={18} aria-hidden="true" />
        </button>
      </div>
      {children}
      <ToastHost />
    </dialog>
  );
}
