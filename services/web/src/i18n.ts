import { getRequestConfig } from "next-intl/server";
import { cookies, headers } from "next/headers";

import { chooseLocale, tagOf } from "@/lib/locale";

/** Words and formats of one request: the language from the cookie, then from the browser. */
export default getRequestConfig(async () => {
  const locale = chooseLocale((await cookies()).get("locale")?.value, (await headers()).get("accept-language"));
  return {
    locale: tagOf(locale),
    messages: (await import(`../messages/${locale}.json`)).default,
    timeZone: "UTC",
  };
});
