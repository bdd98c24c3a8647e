import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { fieldErrors, unreachable } from "@/api/problem";

import messages from "../../messages/en.json";
import { contentSecurityPolicy } from "./csp";
import { dayIn, dayInWords, daysBetween, moneyInWords } from "./days";
import { chooseLocale, languageOf, tagOf } from "./locale";
import { ownPath } from "./own-path";
import { readSettings } from "./settings";
import { inUse, renamed } from "./templates";

describe("days", () => {
  it("are those of the zone, and are put into words without moving", () => {
    const instant = new Date("2026-03-31T03:30:00Z");
    expect(dayIn("America/New_York", instant)).toBe("2026-03-30");
    expect(dayIn("Pacific/Auckland", instant)).toBe("2026-03-31");
    expect(dayInWords("en", "2026-04-06")).toBe("Mon, Apr 6");
    expect(dayInWords("en", "2027-04-06", "short", "2026-03-31")).toBe("Tue, Apr 6, 2027");
    expect(dayInWords("es-US", "2026-04-06", "long")).toBe("lunes, 6 de abril");
  });

  it("are counted over a change of the clock and of the year", () => {
    expect(daysBetween("2026-03-07", "2026-03-09")).toBe(2);
    expect(daysBetween("2026-11-01", "2026-10-31")).toBe(-1);
    expect(daysBetween("2027-12-31", "2028-03-01")).toBe(61);
  });
});

it("money keeps its cents, however large", () => {
  expect(moneyInWords("en", { amount: "525000.00", currency: "USD" })).toBe("$525,000");
  expect(moneyInWords("es-US", { amount: "525000.50", currency: "USD" })).toBe("$525,000.50");
  expect(moneyInWords("en", { amount: "90071992547409931.55", currency: "USD" })).toBe("$90,071,992,547,409,931.55");
});

it("after the login, only a path of ours is opened", () => {
  for (const path of ["/work?tab=today", "/deals/7", "/tasks/1"]) expect(ownPath(path)).toBe(path);
  for (const path of ["//evil.example", "/\\evil.example", "https://evil.example", "/a\\b", "/\tx", "work", "", undefined, "/session/ended", "/gateway/api/x", "/login?next=/"]) {
    expect(ownPath(path)).toBe("/");
  }
});

it("the language is the chosen one, else what the browser asks for, else English", () => {
  expect(chooseLocale("en", "es")).toBe("en");
  expect(chooseLocale(undefined, "de, es-MX;q=0.8, en;q=0.5")).toBe("es");
  expect([tagOf("es"), languageOf("es-US"), languageOf("xx")]).toEqual(["es-US", "es", "en"]);
  expect(chooseLocale("xx", "de, en-US;q=0.8")).toBe("en");
  expect(chooseLocale(undefined, null)).toBe("en");
});

it("deals are made from the organization's own newest version, else from the shipped one", () => {
  const version = (key: string, templateVersion: number, shipped: boolean, status = "PUBLISHED") => ({ key, templateVersion, shipped, status });
  const own = version("a", 1, false);
  const shipped = version("b", 2, true);
  expect(inUse([version("a", 3, true), own, version("a", 2, false, "DRAFT"), version("b", 1, true), shipped])).toEqual([own, shipped]);
});

it("a copied template has another key and name, and all else as it was", () => {
  expect(renamed("# ours\nkey: a # first\nname: A\ntasks:\n  - {key: b}\n", "c_d", 'The "new" one')).toBe('# ours\nkey: c_d\nname: "The \\"new\\" one"\ntasks:\n  - {key: b}\n');
});

it("every code of the API has a sentence", () => {
  const document = JSON.parse(readFileSync(new URL("../../../gateway/openapi.json", import.meta.url), "utf8"));
  const codes: string[] = document.components.schemas.ProblemCode.enum;
  expect(codes.filter((code) => !(code in messages.problems))).toEqual([]);
});

it("the mistakes of a form are found with one and with several", () => {
  const problem = { ...unreachable(), code: "VALIDATION_001" as const };
  expect(fieldErrors({ ...problem, details: { field: "email", constraint: "format" } })).toEqual([{ field: "email", constraint: "format" }]);
  const several = [
    { field: "email", constraint: "format" },
    { field: "password", constraint: "min_length" },
  ];
  expect(fieldErrors({ ...problem, details: { ...several[0], errors: several } })).toEqual(several);
  expect(fieldErrors({ ...problem, details: {} })).toEqual([]);
});

it("a page runs its own scripts alone", () => {
  const policy = contentSecurityPolicy("abc", { isSecure: true, isDevelopment: false });
  expect(policy).toContain("script-src 'nonce-abc' 'strict-dynamic';");
  expect(policy).not.toMatch(/script-src[^;]*unsafe/);
});

it("settings that are missing or weak stop the start", () => {
  const right = { HAUSHAVN_GATEWAY_URL: "http://gateway:8080", HAUSHAVN_PUBLIC_URL: "https://haushavn.example", HAUSHAVN_WEB_SESSION_KEY: "0".repeat(64) };
  expect(readSettings(right)).toMatchObject({ gatewayUrl: "http://gateway:8080", isSecure: true });
  for (const name of Object.keys(right)) expect(() => readSettings({ ...right, [name]: undefined })).toThrow(name);
  expect(() => readSettings({ ...right, HAUSHAVN_WEB_SESSION_KEY: "short" })).toThrow("HAUSHAVN_WEB_SESSION_KEY");
  expect(() => readSettings({ ...right, HAUSHAVN_PUBLIC_URL: "http://haushavn.example" })).toThrow("https:");
  expect(readSettings({ ...right, HAUSHAVN_PUBLIC_URL: "http://127.0.0.1:3000", HAUSHAVN_ENV: "development" }).isSecure).toBe(false);
});
