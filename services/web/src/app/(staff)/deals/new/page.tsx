import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

import { api, me, must } from "@/api/server";
import type { Template, User } from "@/api/types";
import { Empty } from "@/components/ui/states";
import { may } from "@/lib/access";
import { dayIn } from "@/lib/days";
import { inUse } from "@/lib/templates";

import { Wizard, type WizardTemplate } from "./wizard";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("wizard"))("title") };
}

const PAGE = 100;

/** Opens a file: a few fields, and the whole plan before anything happens. */
export default async function NewDealPage() {
  const [t, who, client] = await Promise.all([getTranslations("wizard"), me(), api()]);
  if (!may(who, "create_deals")) {
    return (
      <>
        <h1 className="sr-only">{t("title")}</h1>
        <Empty title={t("notAllowed")}>{t("notAllowedWhy")}</Empty>
      </>
    );
  }
  const [list, people] = await Promise.all([
    must(client.GET("/api/templates", { params: { query: { limit: PAGE } } })),
    must(client.GET("/api/users", { params: { query: { limit: PAGE } } })),
  ]);
  const templates = await Promise.all(inUse(list.items).map((one) => must(client.GET("/api/templates/{id}", { params: { path: { id: one.id } } }))));
  return (
    <Wizard
      templates={templates.map(forWizard)}
      people={people.items.map((user: User) => ({ id: user.id, name: user.fullName, role: user.role }))}
      me={{ id: who.user.id, name: who.user.fullName, role: who.user.role }}
      today={dayIn(who.organization.timezone)}
    />
  );
}

const forWizard = (template: Template): WizardTemplate => ({
  key: template.key,
  name: template.name,
  dealType: template.dealType,
  clientRole: template.clientRole,
  facts: template.facts.map((key) => ({ key, values: template.factValues.find((known) => known.key === key)?.values ?? [] })),
  anchors: template.anchors.map(({ key, title, required }) => ({ key, title, required })),
  roles: template.roles,
  taskCount: template.tasks.length,
});
