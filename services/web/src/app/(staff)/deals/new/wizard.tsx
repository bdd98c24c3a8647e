"use client";

import { Check, CircleCheck, Plus, Rocket, TriangleAlert, UserRoundX, X } from "lucide-react";
import { useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { type FormEvent, useEffect, useEffectEvent, useRef, useState } from "react";

import { api, attempt, newKey } from "@/api/browser";
import type { Problem } from "@/api/problem";
import type { CreateDealBody, DealDryRun } from "@/api/types";
import { Said } from "@/components/domain/said";
import { Field } from "@/components/ui/field";
import { withDaysInWords } from "@/lib/days";
import { PARTS } from "@/lib/parts";
import { mistakes, partInWords, sentence } from "@/lib/words";

import { Preview } from "./preview";

export type WizardTemplate = {
  key: string;
  name: string;
  dealType: string;
  clientRole: string;
  facts: { key: string; values: string[] }[];
  anchors: { key: string; title: string; required: boolean }[];
  roles: string[];
  taskCount: number;
};

type Person = { id: string; name: string; role: string };
type PartyDraft = { id: number; role: string; name: string; company: string; phone: string; email: string; userId: string };
type Draft = {
  street: string;
  unit: string;
  city: string;
  state: string;
  postalCode: string;
  price: string;
  templateKey: string;
  facts: Record<string, string | boolean | number>;
  keyDates: Record<string, string>;
  parties: PartyDraft[];
};

const STEPS = ["property", "plan", "people", "preview"] as const;
type Step = (typeof STEPS)[number];
const DEBOUNCE_MS = 250;
const FIRST_PARTIES = 3;
const PARTY_ROLES: readonly string[] = PARTS;
/** The part that somebody of a role takes in a new deal. */
const OWN_PART: Record<string, string> = { BUYER_AGENT: "buyer_agent", TRANSACTION_COORDINATOR: "transaction_coordinator" };
/** Where the API's mistakes belong. */
const STEP_OF: [RegExp, Step][] = [
  [/^(propertyAddress|purchasePrice|name)/, "property"],
  [/^(facts|keyDates|templateKey|dealType)/, "plan"],
  [/^parties/, "people"],
];

/** The facts that a template's predicates know no values of: a year is a number, all else yes or no. */
const isYear = (fact: string): boolean => fact.endsWith("year_built");

type Props = { templates: WizardTemplate[]; people: Person[]; me: Person; today: string };

export function Wizard({ templates, people, me, today }: Props) {
  const t = useTranslations("wizard");
  const words = useTranslations("problems");
  const router = useRouter();
  const first = templates.find((template) => template.dealType === "PURCHASE") ?? templates[0];
  const lastId = useRef(FIRST_PARTIES);
  const [step, setStep] = useState<Step>("property");
  const [draft, setDraft] = useState<Draft>(() => ({
    street: "",
    unit: "",
    city: "",
    state: "",
    postalCode: "",
    price: "",
    templateKey: first?.key ?? "",
    facts: defaults(first),
    keyDates: {},
    parties: firstParties(first, me, people),
  }));
  const [missing, setMissing] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<Problem>();
  const [result, setResult] = useState<DealDryRun>();
  const [isLoading, setLoading] = useState(false);
  const [isLaunching, setLaunching] = useState(false);
  const key = useRef(newKey());
  const heading = useRef<HTMLHeadingElement>(null);

  const template = templates.find((known) => known.key === draft.templateKey);
  const errors = { ...(problem ? mistakes(words, problem) : {}), ...missing };
  const body = bodyOf(draft, template);
  const sent = JSON.stringify(body);

  const change = (changes: Partial<Draft>) => {
    setDraft((present) => ({ ...present, ...changes }));
    setMissing({});
    setProblem(undefined);
    if (step === "preview") setLoading(true);
  };

  const load = useEffectEvent(async (signal: AbortSignal) => {
    try {
      const outcome = await attempt(api.POST("/api/deals", { params: { query: { dryRun: true } }, body, signal }));
      if (signal.aborted) return;
      setLoading(false);
      setProblem(outcome.problem);
      if (outcome.data && "violations" in outcome.data) setResult(outcome.data);
      if (outcome.problem) {
        const found = Object.keys(mistakes(words, outcome.problem))[0];
        const where = STEP_OF.find(([pattern]) => found && pattern.test(found))?.[1];
        if (where) setStep(where);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });

  useEffect(() => {
    if (step !== "preview") return;
    const controller = new AbortController();
    const timer = setTimeout(() => void load(controller.signal), DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [step, sent]);

  const go = (to: Step) => {
    setStep(to);
    if (to === "preview") {
      setLoading(true);
      key.current = newKey();
    }
    requestAnimationFrame(() => heading.current?.focus());
  };

  function onSubmit(event: FormEvent) {
    event.preventDefault();
    const found = lacking(step, draft, template, words("constraints.required"));
    setMissing(found);
    if (Object.keys(found).length) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus());
      return;
    }
    const next = STEPS[STEPS.indexOf(step) + 1];
    if (next) go(next);
    else void launch();
  }

  async function launch() {
    if (isLaunching || isLoading || !result) return;
    setLaunching(true);
    const outcome = await attempt(api.POST("/api/deals", { params: { header: { "Idempotency-Key": key.current } }, body }));
    if (outcome.data && "id" in outcome.data) {
      router.push(`/deals/${outcome.data.id}`);
      return;
    }
    setLaunching(false);
    if (outcome.problem) setProblem(outcome.problem);
  }

  const says: Record<Step, string> = {
    property: [draft.street, draft.city].filter(Boolean).join(", "),
    plan: step === "property" ? "" : (template?.name ?? ""),
    people: t("named", { count: draft.parties.filter((one) => one.name.trim()).length }),
    preview: result ? t("summary", { tasks: result.milestones.reduce((sum, one) => sum + one.tasks.length, 0), dates: result.keyDates.length }) : "",
  };
  const general = problem && Object.keys(mistakes(words, problem)).length === 0 ? sentence(words, problem) : undefined;

  return (
    <form onSubmit={onSubmit} className="wizard" noValidate>
      <header className="page-head">
        <h1>{t("title")}</h1>
        <p className="page-sub">{draft.street}</p>
      </header>
      <ol className="wizard-steps" aria-label={t("steps")}>
        {STEPS.map((one, index) => {
          const isPast = STEPS.indexOf(step) > index;
          return (
            <li key={one} className={one === step ? "is-current" : isPast ? "is-past" : ""} aria-current={one === step ? "step" : undefined}>
              <button type="button" disabled={!isPast} onClick={() => go(one)}>
                <b>
                  {isPast ? <Check size={14} aria-hidden="true" /> : null}
                  {t(`step.${one}`)}
                </b>
                <small className="clip">{isPast || one === step ? says[one] : ""}</small>
              </button>
            </li>
          );
        })}
      </ol>
      <div className="wizard-body">
        <h2 ref={heading} tabIndex={-1} className={step === "preview" ? "sr-only" : "mb-4 text-xl outline-none"}>
          {t(`head.${step}`)}
        </h2>
        {general ? (
          <p className="note note-error mb-4" role="alert">
            <TriangleAlert size={16} aria-hidden="true" />
            <span>{general}</span>
          </p>
        ) : null}
        {step === "property" ? (
          <div className="grid max-w-2xl gap-4 sm:grid-cols-6">
            <div className="sm:col-span-4">
              <Field large label={t("street")} value={draft.street} onChange={(event) => change({ street: event.currentTarget.value })} error={errors["propertyAddress.street"]} autoComplete="off" required autoFocus />
            </div>
            <div className="sm:col-span-2">
              <Field large label={t("unit")} value={draft.unit} onChange={(event) => change({ unit: event.currentTarget.value })} error={errors["propertyAddress.unit"]} autoComplete="off" />
            </div>
            <div className="sm:col-span-3">
              <Field large label={t("city")} value={draft.city} onChange={(event) => change({ city: event.currentTarget.value })} error={errors["propertyAddress.city"]} autoComplete="off" required />
            </div>
            <div>
              <Field large label={t("state")} value={draft.state} onChange={(event) => change({ state: event.currentTarget.value })} error={errors["propertyAddress.stateOrProvince"]} autoComplete="off" required />
            </div>
            <div className="sm:col-span-2">
              <Field large label={t("postalCode")} value={draft.postalCode} onChange={(event) => change({ postalCode: event.currentTarget.value })} error={errors["propertyAddress.postalCode"]} autoComplete="off" required />
            </div>
            <div className="sm:col-span-3">
              <Field large label={t("price")} hint={t("priceHint")} inputMode="decimal" value={draft.price} onChange={(event) => change({ price: event.currentTarget.value })} error={errors["purchasePrice.amount"] ?? errors.purchasePrice} autoComplete="off" />
            </div>
          </div>
        ) : null}
        {step === "plan" ? (
          <div className="grid max-w-4xl gap-6">
            <fieldset>
              <legend className="label">{t("template")}</legend>
              <div className="grid gap-2 sm:grid-cols-2">
                {templates.map((one) => (
                  <label key={one.key} className={`wizard-choice ${one.key === draft.templateKey ? "is-on" : ""}`}>
                    <input
                      type="radio"
                      name="template"
                      checked={one.key === draft.templateKey}
                      onChange={() => change({ templateKey: one.key, facts: defaults(one), keyDates: {} })}
                    />
                    <span>
                      <b className="block font-medium">{one.name}</b>
                      <small className="text-text-2">{t("templateTasks", { count: one.taskCount })}</small>
                    </span>
                  </label>
                ))}
              </div>
              {errors.templateKey ? <p className="field-error">{errors.templateKey}</p> : null}
            </fieldset>
            <div>
              <h3 className="mb-2 text-md">{t("datesTitle")}</h3>
              <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
                {(template?.anchors ?? []).map((anchor) => (
                  <Field
                    key={anchor.key}
                    label={anchor.required ? anchor.title : t("optional", { title: anchor.title })}
                    type="date"
                    value={draft.keyDates[anchor.key] ?? ""}
                    onChange={(event) => change({ keyDates: { ...draft.keyDates, [anchor.key]: event.currentTarget.value } })}
                    error={errors[`keyDates.${anchor.key}`]}
                    required={anchor.required}
                  />
                ))}
              </div>
            </div>
            <div>
              <h3 className="mb-2 text-md">{t("factsTitle")}</h3>
              <Facts template={template} facts={draft.facts} errors={errors} onChange={(facts) => change({ facts })} />
            </div>
          </div>
        ) : null}
        {step === "people" ? (
          <div className="grid gap-3">
            <p className="max-w-prose text-text-2">{t("peopleLead")}</p>
            {draft.parties.map((one, index) => (
              <PartyRow
                key={one.id}
                party={one}
                people={people}
                errors={{ name: errors[`parties.${index}.name`], email: errors[`parties.${index}.email`], phone: errors[`parties.${index}.phone`] }}
                onChange={(changed) => change({ parties: draft.parties.map((other) => (other.id === changed.id ? changed : other)) })}
                onRemove={() => change({ parties: draft.parties.filter((other) => other.id !== one.id) })}
              />
            ))}
            <p>
              <button
                type="button"
                className="btn"
                onClick={() => {
                  lastId.current += 1;
                  const taken = new Set(draft.parties.map((one) => one.role));
                  const role = [template?.clientRole ?? "buyer", ...(template?.roles ?? []), ...PARTY_ROLES].find((one) => !taken.has(one) && PARTY_ROLES.includes(one)) ?? "other";
                  change({ parties: [...draft.parties, party(lastId.current, role, "", "")] });
                }}
              >
                <Plus size={15} aria-hidden="true" />
                {t("addPerson")}
              </button>
            </p>
          </div>
        ) : null}
        {step === "preview" ? (
          <div className="wizard-preview">
            <aside className="aside" aria-label={t("factsTitle")}>
              <section className="card">
                <h3 className="card-title mb-3">{t("factsDecide")}</h3>
                <Facts template={template} facts={draft.facts} errors={errors} onChange={(facts) => change({ facts })} isNarrow />
              </section>
              <section className="card grid gap-2.5" aria-live="polite">
                <h3 className="card-title">{t("check")}</h3>
                {result ? <Checks result={result} parties={draft.parties} /> : null}
              </section>
            </aside>
            {result ? <Preview result={result} parties={draft.parties} today={today} isLoading={isLoading} /> : <div className="card h-96" aria-busy="true" />}
          </div>
        ) : null}
      </div>
      <footer className="wizard-foot">
        <p className="min-w-0 flex-1 text-sm text-text-2 max-md:hidden">{step === "preview" ? t("launchLead") : t("nothingYet")}</p>
        {step === "property" ? null : (
          <button type="button" className="btn" onClick={() => go(STEPS[STEPS.indexOf(step) - 1] ?? "property")}>
            {t("back")}
          </button>
        )}
        <button type="submit" className="btn btn-primary" aria-disabled={step === "preview" && (isLoading || isLaunching || !result || problem !== undefined)}>
          {step === "preview" ? (
            <>
              <Rocket size={15} aria-hidden="true" />
              {t("launch")}
            </>
          ) : (
            t("next")
          )}
        </button>
      </footer>
    </form>
  );
}

const party = (id: number, role: string, name: string, userId: string): PartyDraft => ({ id, role, name, company: "", phone: "", email: "", userId });

/** The client, whose name is still to be typed, the reader, and a coordinator where the reader is none. */
function firstParties(template: WizardTemplate | undefined, me: Person, people: Person[]): PartyDraft[] {
  const own = OWN_PART[me.role] ?? "transaction_coordinator";
  const coordinator = people.find((person) => person.role === "TRANSACTION_COORDINATOR" && person.id !== me.id);
  return [
    party(1, template?.clientRole ?? "buyer", "", ""),
    party(2, own, me.name, me.id),
    ...(coordinator && own !== "transaction_coordinator" ? [party(3, "transaction_coordinator", coordinator.name, coordinator.id)] : []),
  ];
}

const defaults = (template: WizardTemplate | undefined): Draft["facts"] =>
  Object.fromEntries(
    (template?.facts ?? []).flatMap(({ key, values }): [string, string | boolean][] =>
      values.length ? [[key, values.includes("conventional") ? "conventional" : (values[0] ?? "")]] : isYear(key) ? [] : [[key, false]],
    ),
  );

function bodyOf(draft: Draft, template: WizardTemplate | undefined): CreateDealBody {
  const price = draft.price.replace(/[$,\s]/g, "");
  return {
    propertyAddress: {
      street: draft.street.trim(),
      ...(draft.unit.trim() ? { unit: draft.unit.trim() } : {}),
      city: draft.city.trim(),
      stateOrProvince: draft.state.trim(),
      postalCode: draft.postalCode.trim(),
    },
    dealType: (template?.dealType ?? "PURCHASE") as CreateDealBody["dealType"],
    ...(price ? { purchasePrice: { amount: price.includes(".") ? price : `${price}.00`, currency: "USD" } } : {}),
    templateKey: draft.templateKey,
    facts: draft.facts as CreateDealBody["facts"],
    keyDates: Object.fromEntries(Object.entries(draft.keyDates).filter(([, date]) => date !== "")) as CreateDealBody["keyDates"],
    parties: draft.parties.map((one) => ({
      role: one.role as NonNullable<CreateDealBody["parties"]>[number]["role"],
      name: one.name.trim(),
      ...(one.company.trim() ? { company: one.company.trim() } : {}),
      ...(one.phone.trim() ? { phone: one.phone.trim() } : {}),
      ...(one.email.trim() ? { email: one.email.trim() } : {}),
      ...(one.userId ? { userId: one.userId } : {}),
    })),
  };
}

/** What has to be filled in before the next step. The API checks all of it again. */
function lacking(step: Step, draft: Draft, template: WizardTemplate | undefined, required: string): Record<string, string> {
  const fields: Record<string, string> =
    step === "property"
      ? { "propertyAddress.street": draft.street, "propertyAddress.city": draft.city, "propertyAddress.stateOrProvince": draft.state, "propertyAddress.postalCode": draft.postalCode }
      : step === "plan"
        ? Object.fromEntries((template?.anchors ?? []).filter((anchor) => anchor.required).map((anchor) => [`keyDates.${anchor.key}`, draft.keyDates[anchor.key] ?? ""]))
        : step === "people"
          ? Object.fromEntries(draft.parties.map((one, index) => [`parties.${index}.name`, one.name]))
          : {};
  return Object.fromEntries(Object.entries(fields).flatMap(([field, value]) => (value.trim() === "" ? [[field, required]] : [])));
}

type FactsProps = {
  template: WizardTemplate | undefined;
  facts: Draft["facts"];
  errors: Record<string, string>;
  isNarrow?: boolean;
  onChange: (facts: Draft["facts"]) => void;
};

function Facts({ template, facts, errors, isNarrow = false, onChange }: FactsProps) {
  const t = useTranslations("wizard");
  const named = useTranslations("facts");
  const values = useTranslations("factValues");
  const inWords = (key: string) => (named.has(key) ? named(key) : key.replaceAll("_", " "));
  const without = (key: string) => Object.fromEntries(Object.entries(facts).filter(([other]) => other !== key));
  return (
    <div className={isNarrow ? "grid gap-3" : "grid gap-4 sm:grid-cols-2 lg:grid-cols-3"}>
      {(template?.facts ?? []).map((fact) =>
        fact.values.length ? (
          <div key={fact.key}>
            <label className="label" htmlFor={`fact-${fact.key}`}>
              {inWords(fact.key)}
            </label>
            <select id={`fact-${fact.key}`} className="input" value={String(facts[fact.key] ?? "")} onChange={(event) => onChange({ ...facts, [fact.key]: event.currentTarget.value })}>
              {fact.values.map((value) => (
                <option key={value} value={value}>
                  {values.has(value) ? values(value) : value.replaceAll("_", " ")}
                </option>
              ))}
            </select>
          </div>
        ) : isYear(fact.key) ? (
          <Field
            key={fact.key}
            label={t("optional", { title: inWords(fact.key) })}
            inputMode="numeric"
            value={String(facts[fact.key] ?? "")}
            error={errors[`facts.${fact.key}`]}
            onChange={(event) => {
              const digits = event.currentTarget.value.replace(/\D/g, "").slice(0, 4);
              onChange(digits ? { ...facts, [fact.key]: Number(digits) } : without(fact.key));
            }}
          />
        ) : (
          <label key={fact.key} className="wizard-switch">
            <input type="checkbox" role="switch" checked={facts[fact.key] === true} onChange={(event) => onChange({ ...facts, [fact.key]: event.currentTarget.checked })} />
            <span>{inWords(fact.key)}</span>
          </label>
        ),
      )}
    </div>
  );
}

type PartyRowProps = {
  party: PartyDraft;
  people: Person[];
  errors: { name?: string; email?: string; phone?: string };
  onChange: (party: PartyDraft) => void;
  onRemove: () => void;
};

function PartyRow({ party: one, people, errors, onChange, onRemove }: PartyRowProps) {
  const t = useTranslations("wizard");
  const parts = useTranslations("roles");
  const id = `party-${one.id}`;
  return (
    <fieldset className="card wizard-party">
      <legend className="sr-only">{one.name || parts(one.role)}</legend>
      <div>
        <label className="label" htmlFor={`${id}-role`}>
          {t("part")}
        </label>
        <select id={`${id}-role`} className="input" value={one.role} onChange={(event) => onChange({ ...one, role: event.currentTarget.value })}>
          {[...new Set([...PARTY_ROLES, one.role])].map((role) => (
            <option key={role} value={role}>
              {partInWords(parts, role)}
            </option>
          ))}
        </select>
      </div>
      <div>
        <label className="label" htmlFor={`${id}-user`}>
          {t("login")}
        </label>
        <select
          id={`${id}-user`}
          className="input"
          value={one.userId}
          onChange={(event) => {
            const chosen = people.find((person) => person.id === event.currentTarget.value);
            onChange({ ...one, userId: chosen?.id ?? "", name: chosen?.name ?? one.name });
          }}
        >
          <option value="">{t("noLogin")}</option>
          {people.map((person) => (
            <option key={person.id} value={person.id}>
              {person.name}
            </option>
          ))}
        </select>
      </div>
      <Field label={t("name")} value={one.name} onChange={(event) => onChange({ ...one, name: event.currentTarget.value })} error={errors.name} autoComplete="off" required />
      <Field label={t("company")} value={one.company} onChange={(event) => onChange({ ...one, company: event.currentTarget.value })} autoComplete="off" />
      <Field label={t("phone")} type="tel" value={one.phone} onChange={(event) => onChange({ ...one, phone: event.currentTarget.value })} error={errors.phone} autoComplete="off" />
      <Field label={t("email")} type="email" value={one.email} onChange={(event) => onChange({ ...one, email: event.currentTarget.value })} error={errors.email} autoComplete="off" />
      <button type="button" className="btn btn-quiet btn-icon self-end" aria-label={t("remove", { name: one.name || parts(one.role) })} onClick={onRemove}>
        <X size={17} aria-hidden="true" />
      </button>
    </fieldset>
  );
}

/** What to look at before the launch: broken rules, parts that nobody has, what is left out. */
function Checks({ result, parties }: { result: DealDryRun; parties: PartyDraft[] }) {
  const t = useTranslations("wizard");
  const parts = useTranslations("roles");
  const held = new Set(parties.map((one) => one.role));
  const nobody = new Map<string, number>();
  for (const task of result.milestones.flatMap((milestone) => milestone.tasks)) {
    if (task.ownerRole && !held.has(task.ownerRole)) nobody.set(task.ownerRole, (nobody.get(task.ownerRole) ?? 0) + 1);
  }
  return (
    <>
      {result.violations.map((violation) => (
        <p key={violation.key + violation.message} className={`note ${violation.severity === "ERROR" ? "note-error" : "note-warn"}`}>
          <TriangleAlert size={16} aria-hidden="true" />
          <Said>{withDaysInWords("en-US", violation.message)}</Said>
        </p>
      ))}
      {nobody.size ? (
        <div className="note note-warn">
          <UserRoundX size={16} aria-hidden="true" />
          <div>
            <b>{t("nobodyYet")}</b>
            <ul>
              {[...nobody].map(([role, count]) => (
                <li key={role}>{t("nobodyHas", { part: partInWords(parts, role), count })}</li>
              ))}
            </ul>
          </div>
        </div>
      ) : null}
      {result.violations.length === 0 ? (
        <p className="note note-quiet">
          <CircleCheck size={16} aria-hidden="true" />
          <span>{t("rulesHold")}</span>
        </p>
      ) : null}
      {result.dropped.length ? <p className="text-sm text-text-2">{t("leftOut", { count: result.dropped.length })}</p> : null}
    </>
  );
}
