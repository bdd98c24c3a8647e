"use client";

import { X } from "lucide-react";
import { useTranslations } from "next-intl";
import { type ReactNode, useEffect, useId, useRef } from "react";

import { ToastHost } from "./toasts";

const FIELDS = "input:not([type=checkbox], [type=radio], [hidden]), textarea, select";

type Props = {
  title: string;
  lead?: ReactNode;
  onClose: () => void;
  /** Asked before closing by Escape or the cross; false keeps it open. */
  mayClose?: () => boolean;
  wide?: boolean;
  children: ReactNode;
};

/** A modal dialog: the browser keeps the focus inside and returns it, and the page behind is inert. */
export function Dialog({ title, lead, onClose, mayClose = () => true, wide = false, children }: Props) {
  const t = useTranslations("ui");
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // React focuses `autoFocus` before the dialog is open, when nothing in it can have the focus.
    (shown?.querySelector<HTMLElement>("[data-first]") ?? shown?.querySelector<HTMLElement>(FIELDS))?.focus();
    return () => shown?.close();
  }, []);
  const leave = () => {
    if (mayClose()) onClose();
  };
  return (
    <dialog
      ref={dialog}
      className={`dialog ${wide ? "dialog-wide" : ""}`}
      aria-labelledby={`${id}-title`}
      aria-describedby={lead ? `${id}-lead` : undefined}
      onCancel={(event) => {
        event.preventDefault();
        leave();
      }}
    >
      <header className="flex items-start gap-4 border-b border-line px-5 py-4">
        <div className="min-w-0 flex-1">
          <h2 id={`${id}-title`} className="text-xl">
            {title}
          </h2>
          {lead ? (
            <p id={`${id}-lead`} className="mt-0.5 text-sm text-text-2">
              {lead}
            </p>
          ) : null}
        </div>
        <button type="button" className="btn btn-quiet btn-icon" aria-label={t("close")} onClick={leave}>
          <X size={18} aria-hidden="true" />
        </button>
      </header>
      {children}
      <ToastHost />
    </dialog>
  );
}
