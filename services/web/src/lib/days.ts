/** Days are calendar dates `YYYY-MM-DD`. They are compared and put into words here, never moved: dates come from the API. */

const DAY_MS = 86_400_000;

/** The date in a zone at an instant. */
export function dayIn(zone: string, instant: Date = new Date()): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(instant);
}

const midnight = (day: string): number => Date.parse(`${day}T00:00:00Z`);

/** Calendar days from one date to another; negative when the other is earlier. */
export const daysBetween = (from: string, to: string): number => Math.round((midnight(to) - midnight(from)) / DAY_MS);

export type DayStyle = "short" | "long" | "plain" | "full";

const STYLES: Record<DayStyle, Intl.DateTimeFormatOptions> = {
  short: { weekday: "short", month: "short", day: "numeric" },
  plain: { month: "short", day: "numeric" },
  long: { weekday: "long", month: "long", day: "numeric" },
  full: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
};

/** 'lun, 6 abr': the region would make it 'lun, 6 de abr'. */
const SHORT_SPANISH = "es";

/** A date in words: 'Mon, Apr 6'; with its year where that is not the present one. */
export function dayInWords(locale: string, day: string, style: DayStyle = "short", today?: string): string {
  const isOtherYear = today !== undefined && today.slice(0, 4) !== day.slice(0, 4) && Math.abs(daysBetween(today, day)) > 180;
  const options = isOtherYear ? { ...STYLES[style], year: "numeric" as const } : STYLES[style];
  return new Intl.DateTimeFormat(locale.startsWith("es") ? SHORT_SPANISH : locale, { ...options, timeZone: "UTC" }).format(midnight(day));
}

/** A sentence of the API with its dates in words, in the language of the sentence. */
export const withDaysInWords = (locale: string, text: string): string => text.replace(/\b\d{4}-\d{2}-\d{2}\b/g, (day) => dayInWords(locale, day));

/** An instant in a zone: 'Mar 30, 4:12 PM'. */
export function instantInWords(locale: string, zone: string, instant: string): string {
  return new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZone: zone }).format(new Date(instant));
}

/** The time of day of an instant in a zone. */
export function timeInWords(locale: string, zone: string, instant: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", timeZone: zone }).format(new Date(instant));
}

/** Money from the API's decimal string; whole amounts without cents. */
export function moneyInWords(locale: string, money: { amount: string; currency: string }): string {
  const digits = /\.0+$/.test(money.amount) || !money.amount.includes(".") ? 0 : 2;
  const format = new Intl.NumberFormat(locale, { style: "currency", currency: money.currency, maximumFractionDigits: digits, minimumFractionDigits: digits });
  // The decimal string goes in as it is: through a number, large amounts would lose cents.
  return format.format(money.amount as unknown as number);
}
