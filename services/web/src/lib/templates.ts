import type { TemplateSummary } from "@/api/types";

/** The version of each key from which deals are made: the newest published one, the organization's own before the shipped one. */
export function inUse<Item extends Pick<TemplateSummary, "key" | "status" | "shipped" | "templateVersion">>(items: readonly Item[]): Item[] {
  const found = new Map<string, Item>();
  for (const item of items) {
    if (item.status !== "PUBLISHED") continue;
    const known = found.get(item.key);
    const isBetter = !known || (known.shipped === item.shipped ? item.templateVersion > known.templateVersion : known.shipped);
    if (isBetter) found.set(item.key, item);
  }
  return [...found.values()];
}

/** A source under another key and name; all else stays as it is, comments too. */
export function renamed(source: string, key: string, name: string): string {
  return source.replace(/^key:.*$/m, `key: ${key}`).replace(/^name:.*$/m, `name: ${JSON.stringify(name)}`);
}
