import { redirect } from "next/navigation";

import { api, me, must } from "@/api/server";
import { isBuyer } from "@/lib/access";

/** Leads everybody to their first screen. */
export default async function FirstPage() {
  const who = await me();
  if (!isBuyer(who)) redirect("/work");
  const { items } = await must((await api()).GET("/api/deals", { params: { query: { limit: 2 } } }));
  redirect(items.length === 1 && items[0] ? `/timeline/${items[0].id}` : "/home");
}
