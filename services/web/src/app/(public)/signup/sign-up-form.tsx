"use client";

import { useTranslations } from "next-intl";
import Link from "next/link";
import { useState, useSyncExternalStore } from "react";

import { Field } from "@/components/ui/field";

import { IdentityForm } from "../form";
import { NewPasswordField } from "../password-hint";

const nothingChanges = () => () => undefined;
const zoneOfDevice = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export function SignUpForm() {
  const t = useTranslations("identity");
  const zone = useSyncExternalStore(nothingChanges, zoneOfDevice, () => "");
  const [isChanging, setChanging] = useState(false);
  const [zones, setZones] = useState<string[]>([]);

  return (
    <IdentityForm
      path="/session/signup"
      submit={t("signUpSubmit")}
      extra={isChanging ? {} : { timezone: zone || undefined }}
      onDone={() => window.location.assign("/")}
      instead={{
        EMAIL_TAKEN: t.rich("emailTaken", {
          link: (text) => (
            <Link className="link" href="/login">
              {text}
            </Link>
          ),
        }),
      }}
    >
      {(errors) => (
        <>
          <Field large label={t("organization")} name="organizationName" autoComplete="organization" required maxLength={200} error={errors.organizationName} autoFocus />
          <Field large label={t("fullName")} name="fullName" autoComplete="name" required maxLength={200} error={errors.fullName} />
          <Field large label={t("email")} name="email" type="email" autoComplete="username" required error={errors.email} />
          <NewPasswordField name="password" error={errors.password} />
          {isChanging ? (
            <div>
              <label className="label" htmlFor="timezone">
                {t("timeZone")}
              </label>
              <select className="input input-lg" id="timezone" name="timezone" defaultValue={zone}>
                {zones.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </div>
          ) : zone ? (
            <p className="text-sm text-text-2">
              {t.rich("zoneSentence", {
                zone: zone.replaceAll("_", " "),
                b: (text) => <b className="text-text">{text}</b>,
              })}{" "}
              <button
                type="button"
                className="link"
                onClick={() => {
                  setZones(Intl.supportedValuesOf("timeZone"));
                  setChanging(true);
                }}
              >
                {t("zoneChange")}
              </button>
            </p>
          ) : null}
        </>
      )}
    </IdentityForm>
  );
}
