"use client";

import { CircleAlert, Eye, EyeOff } from "lucide-react";
import { useTranslations } from "next-intl";
import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId, useState } from "react";

type FieldProps = InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: ReactNode; error?: string; large?: boolean };

/** A labelled input with its hint and its mistake, both tied to it. */
export function Field({ label, hint, error, large, id, ...input }: FieldProps) {
  const own = useId();
  const fieldId = id ?? own;
  return (
    <div>
      <label className="label" htmlFor={fieldId}>
        {label}
      </label>
      <input
        {...input}
        id={fieldId}
        className={`input ${large ? "input-lg" : ""}`}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(fieldId, hint, error)}
      />
      <Below id={fieldId} hint={hint} error={error} />
    </div>
  );
}

type Around = { label: string; hint?: ReactNode; error?: string };

/** A labelled choice; its options are its children. */
export function SelectField({ label, hint, error, id, ...select }: Around & SelectHTMLAttributes<HTMLSelectElement>) {
  const own = useId();
  const fieldId = id ?? own;
  return (
    <div>
      <label className="label" htmlFor={fieldId}>
        {label}
      </label>
      <select {...select} id={fieldId} className="input" aria-invalid={error ? true : undefined} aria-describedby={described(fieldId, hint, error)} />
      <Below id={fieldId} hint={hint} error={error} />
    </div>
  );
}

/** A labelled text of several lines. */
export function TextField({ label, hint, error, id, ...area }: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const own = useId();
  const fieldId = id ?? own;
  return (
    <div>
      <label className="label" htmlFor={fieldId}>
        {label}
      </label>
      <textarea rows={3} {...area} id={fieldId} className="input" aria-invalid={error ? true : undefined} aria-describedby={described(fieldId, hint, error)} />
      <Below id={fieldId} hint={hint} error={error} />
    </div>
  );
}

/** A password that can be shown; pasting is allowed and password managers find it. */
export function PasswordField({ label, hint, error, id, ...input }: FieldProps) {
  const t = useTranslations("ui");
  const own = useId();
  const fieldId = id ?? own;
  const [isShown, setShown] = useState(false);
  return (
    <div>
      <label className="label" htmlFor={fieldId}>
        {label}
      </label>
      <div className="relative">
        <input
          {...input}
          id={fieldId}
          type={isShown ? "text" : "password"}
          className="input input-lg pe-12"
          aria-invalid={error ? true : undefined}
          aria-describedby={described(fieldId, hint, error)}
        />
        <button
          type="button"
          className="absolute inset-y-0 end-0 grid w-11 place-items-center rounded-sm text-text-2 focus-inset"
          aria-label={isShown ? t("hidePassword") : t("showPassword")}
          onClick={() => setShown(!isShown)}
        >
          {isShown ? <EyeOff size={18} aria-hidden="true" /> : <Eye size={18} aria-hidden="true" />}
        </button>
      </div>
      <Below id={fieldId} hint={hint} error={error} />
    </div>
  );
}

export const described = (id: string, hint: ReactNode, error: string | undefined): string | undefined =>
  [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ") || undefined;

export function Below({ id, hint, error }: { id: string; hint?: ReactNode; error?: string }) {
  return (
    <>
      {error ? (
        <p className="field-error" id={`${id}-error`}>
          <CircleAlert size={14} className="mt-0.5 flex-none" aria-hidden="true" />
          {error}
        </p>
      ) : null}
      {hint ? (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
    </>
  );
}
