"use client";

import { Link2, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { type ReactNode, useEffect, useRef } from "react";

import { useToast } from "@/components/ui/toasts";

/** The frame of a drawer: Escape, the cross and a click beside it lead back to the page. The URL says which task is open. */
export function DrawerFrame({ id, children }: { id: string; children: ReactNode }) {
  const t = useTranslations("task");
  const ui = useTranslations("ui");
  const router = useRouter();
  const path = usePathname();
  const params = useSearchParams();
  const show = useToast();
  const drawer = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = drawer.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
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
    >
      <div className="absolute end-3 top-3 z-10 flex gap-1">
        <button type="button" className="btn btn-quiet btn-icon" aria-label={t("copyLink")} onClick={() => void copy()}>
          <Link2 size={17} aria-hidden="true" />
        </button>
        <button type="button" className="btn btn-quiet btn-icon" aria-label={ui("close")} onClick={leave}>
          <X size={18} aria-hidden="true" />
        </button>
      </div>
      {children}
    </dialog>
  );
}
