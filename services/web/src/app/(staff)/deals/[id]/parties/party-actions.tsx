"use client";

import { UserRoundPlus } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";

import { api, attempt } from "@/api/browser";
import type { Part } from "@/api/types";
import type { Party } from "@/api/types";
import { Field, SelectField } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { useToast } from "@/components/ui/toasts";
import { textOf } from "@/components/ui/use-form";
import { PARTS } from "@/lib/parts";
import { partInWords } from "@/lib/words";

type Person = { id: string; name: string };

/** What was typed, as the API takes it. */
function fieldsOf(form: FormData) {
  const text = (name: string) => textOf(form, name);
  return {
    role: text("role") as Part,
    name: text("name"),
    company: text("company") || null,
    phone: text("phone") || null,
    email: text("email") || null,
    userId: text("userId") || null,
    buyerContact: form.get("buyerContact") === "on",
  };
}

function Fields({ party, people, errors }: { party?: Party; people: Person[]; errors: Record<string, string> }) {
  const t = useTranslations("parties");
  const parts = useTranslations("roles");
  return (
    <>
      <div className="grid gap-4 text-start sm:grid-cols-2">
        <Field label={t("head.name")} name="name" required maxLength={200} defaultValue={party?.name} error={errors.name} autoComplete="off" />
        <SelectField label={t("head.part")} name="role" defaultValue={party?.role ?? "lender"} error={errors.role}>
          {[...new Set<string>([...PARTS, ...(party ? [party.role] : [])])].map((role) => (
            <option key={role} value={role}>
              {partInWords(parts, role)}
            </option>
          ))}
        </SelectField>
        <Field label={t("head.company")} name="company" maxLength={200} defaultValue={party?.company ?? ""} error={errors.company} autoComplete="off" />
        <Field label={t("head.phone")} name="phone" type="tel" maxLength={50} defaultValue={party?.phone ?? ""} error={errors.phone} autoComplete="off" />
        <Field label={t("head.email")} name="email" type="email" defaultValue={party?.email ?? ""} error={errors.email} autoComplete="off" />
        <SelectField label={t("head.login")} name="userId" defaultValue={party?.userId ?? ""} error={errors.userId}>
          <option value="">{t("noLogin")}</option>
          {people.map((person) => (
            <option key={person.id} value={person.id}>
              {person.name}
            </option>
          ))}
        </SelectField>
      </div>
      {party ? (
        <label className="flex items-start gap-2 text-start text-sm">
          <input type="checkbox" name="buyerContact" className="mt-1" defaultChecked={party.buyerContact} />
          {t("buyerContact")}
        </label>
      ) : null}
    </>
  );
}

/** Adds somebody to the deal; with a login, the open tasks of that part become theirs. */
export function AddParty({ dealId, people }: { dealId: string; people: Person[] }) {
  const t = useTranslations("parties");
  const show = useToast();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn" onClick={() => setOpen(true)}>
        <UserRoundPlus size={15} aria-hidden="true" />
        {t("add")}
      </button>
      {isOpen ? (
        <FormDialog
          title={t("add")}
          submit={t("addSubmit")}
          onClose={() => setOpen(false)}
          send={(form, key) => {
            // Whether the buyer calls them follows from the part until somebody says otherwise.
            const body = { ...fieldsOf(form), buyerContact: null };
            return attempt(api.POST("/api/deals/{id}/parties", { params: { path: { id: dealId }, header: { "Idempotency-Key": key } }, body }));
          }}
          onDone={(party) => {
            setOpen(false);
            show({ text: t("added", { name: party.name }) });
          }}
        >
          {(errors) => <Fields people={people} errors={errors} />}
        </FormDialog>
      ) : null}
    </>
  );
}

/** Changes somebody who takes part, or takes them out: first it says which open tasks nobody has then. */
export function PartyRowActions({ party, people, orphans }: { party: Party; people: Person[]; orphans: string[] }) {
  const t = useTranslations("parties");
  const show = useToast();
  const [asking, setAsking] = useState<"edit" | "remove">();
  const close = () => setAsking(undefined);
  const at = { path: { id: party.dealId, partyId: party.id }, header: { "If-Match": `"${party.version}"` } };
  return (
    <span className="inline-flex flex-wrap justify-end gap-2">
      <button type="button" className="btn" onClick={() => setAsking("edit")}>
        {t("edit")}
        <span className="sr-only">{party.name}</span>
      </button>
      <button type="button" className="btn" onClick={() => setAsking("remove")}>
        {t("remove")}
        <span className="sr-only">{party.name}</span>
      </button>
      {asking === "edit" ? (
        <FormDialog
          title={t("editTitle")}
          lead={party.name}
          submit={t("save")}
          onClose={close}
          send={(form) => attempt(api.PATCH("/api/deals/{id}/parties/{partyId}", { params: at, headers: { "content-type": "application/merge-patch+json" }, body: fieldsOf(form) }))}
          onDone={() => {
            close();
            show({ text: t("saved") });
          }}
        >
          {(errors) => <Fields party={party} people={people} errors={errors} />}
        </FormDialog>
      ) : null}
      {asking === "remove" ? (
        <FormDialog
          title={t("removeTitle", { name: party.name })}
          submit={t("remove")}
          isDanger
          onClose={close}
          send={() => attempt(api.DELETE("/api/deals/{id}/parties/{partyId}", { params: at }))}
          onDone={() => {
            close();
            show({ text: t("removed", { name: party.name }) });
          }}
        >
          {() => (
            <div className="text-start text-sm">
              <p>{t("orphans", { count: orphans.length })}</p>
              <ul className="mt-2 list-disc ps-5 text-text-2">
                {orphans.map((title) => (
                  <li key={title}>{title}</li>
                ))}
              </ul>
            </div>
          )}
        </FormDialog>
      ) : null}
    </span>
  );
}
