/** Names of browsers and systems in a `User-Agent`, the telling ones first: most browsers also call themselves by older names. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];
const PHONES = ["iPhone", "Android"];

/** What a client is, by how it calls itself; empty where that does not tell. */
export function clientName(named: string | null | undefined): { browser: string; system: string; isPhone: boolean } {
  const first = (names: [RegExp, string][]) => names.find(([sign]) => sign.test(named ?? ""))?.[1] ?? "";
  const system = first(SYSTEMS);
  return { browser: first(BROWSERS), system, isPhone: PHONES.includes(system) };
}
