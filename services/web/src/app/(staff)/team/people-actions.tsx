"use client";

import { UserRoundPlus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";

import { api, attempt } from "@/api/browser";
import type { components } from "@/api/schema";
import { Field, SelectField } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { textOf } from "@/components/ui/use-form";
import { useToast } from "@/components/ui/toasts";

type Role = components["schemas"]["InviteBody"]["role"];
type UserBody = components["schemas"]["UserBody"];

export function Invite({ roles }: { roles: string[] }) {
  const t = useTranslations("team");
  const inWords = useTranslations("roles");
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn btn-primary" onClick={() => setOpen(true)}>
        <UserRoundPlus size={15} aria-hidden="true" />
        {t("invite")}
      </button>
      {isOpen ? (
        <FormDialog
          title={t("invite")}
          lead={t("inviteLead")}
          submit={t("send")}
          fieldOf={{ EMAIL_TAKEN: "email" }}
          onClose={() => setOpen(false)}
          send={(form, key) =>
            attempt(
              api.POST("/api/users", {
                params: { header: { "Idempotency-Key": key } },
                body: { email: textOf(form, "email"), fullName: textOf(form, "fullName"), role: textOf(form, "role") as Role },
              }),
            )
          }
          onDone={(person) => {
            setOpen(false);
            show({ text: t("sent", { name: person.fullName }) });
          }}
        >
          {(errors) => (
            <>
              <Field label={t("email")} name="email" type="email" required autoComplete="off" error={errors.email} />
              <Field label={t("name")} name="fullName" required maxLength={200} autoComplete="off" error={errors.fullName} />
              <SelectField label={t("role")} name="role" error={errors.role}>
                {roles.map((role) => (
                  <option key={role} value={role}>
                    {inWords(role)}
                  </option>
                ))}
              </SelectField>
            </>
          )}
        </FormDialog>
      ) : null}
    </>
  );
}

export function Disable({ id, name }: { id: string; name: string }) {
  const t = useTranslations("team");
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn" onClick={() => setOpen(true)}>
        {t("disable")}
        <span className="sr-only">{name}</span>
      </button>
      {isOpen ? (
        <FormDialog
          title={t("disableTitle", { name })}
          submit={t("disable")}
          isDanger
          onClose={() => setOpen(false)}
          send={() => attempt(api.DELETE("/api/users/{id}", { params: { path: { id } } }))}
          onDone={() => {
            setOpen(false);
            show({ text: t("disabled", { name }) });
          }}
        >
          {() => <p className="text-start text-text-2">{t("disableExplain")}</p>}
        </FormDialog>
      ) : null}
    </>
  );
}

/** Gives somebody another role; their open session follows within seconds. */
export function ChangeRole({ id, name, role, version, roles }: { id: string; name: string; role: string; version: number; roles: string[] }) {
  const t = useTranslations("team");
  const inWords = useTranslations("roles");
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn" onClick={() => setOpen(true)}>
        {t("changeRole")}
        <span className="sr-only">{name}</span>
      </button>
      {isOpen ? (
        <FormDialog
          title={t("changeRoleTitle", { name })}
          submit={t("changeRoleSubmit")}
          fieldOf={{ LAST_ADMIN: "role" }}
          onClose={() => setOpen(false)}
          send={(form) =>
            attempt(
              api.PATCH("/api/users/{id}", {
                params: { path: { id }, header: { "If-Match": `"${version}"` } },
                headers: { "content-type": "application/merge-patch+json" },
                body: { role: textOf(form, "role") } as UserBody,
              }),
            )
          }
          onDone={(person) => {
            setOpen(false);
            show({ text: t("roleChanged", { name: person.fullName, role: inWords(person.role) }) });
          }}
        >
          {(errors) => (
            <div className="text-start">
              <SelectField label={t("role")} name="role" defaultValue={role} error={errors.role}>
                {roles.map((one) => (
                  <option key={one} value={one}>
                    {inWords(one)}
                  </option>
                ))}
              </SelectField>
            </div>
          )}
        </FormDialog>
      ) : null}
    </>
  );
}
