import { NextIntlClientProvider } from "next-intl";
import { getMessages } from "next-intl/server";
import type { ReactNode } from "react";

type Messages = Awaited<ReturnType<typeof getMessages>>;

/** Every part that runs in the browser may need these. */
const ALWAYS = ["ui", "errors", "problems"];

/** Gives the browser the words of a side of the application and no others: a buyer's page does not carry the staff's. */
export async function Words({ of, children }: { of: string[] | "all"; children: ReactNode }) {
  const messages = await getMessages();
  const picked = of === "all" ? messages : (Object.fromEntries(Object.entries(messages).filter(([name]) => [...ALWAYS, ...of].includes(name))) as Messages);
  return <NextIntlClientProvider messages={picked}>{children}</NextIntlClientProvider>;
}
