import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type MessageFormatElement, parse as parseMessage, TYPE } from "@formatjs/icu-messageformat-parser";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";

import { inPhrases } from "@/api/phrases";

import en from "../../messages/en.json";
import es from "../../messages/es.json";
import shipped from "../../messages/shipped/es.json";

const SOURCE = new URL("..", import.meta.url).pathname;
const TEMPLATES = new URL("../../../task-service/templates/", import.meta.url);

function leaves(messages: object, prefix = ""): Map<string, string> {
  return new Map(
    Object.entries(messages).flatMap(([key, value]): [string, string][] =>
      typeof value === "string" ? [[prefix + key, value]] : [...leaves(value as object, `${prefix}${key}.`)],
    ),
  );
}

/** The names of a message's values and tags, each with its kind, and the choices of a select. */
function placeholders(elements: MessageFormatElement[]): string[] {
  const found = elements.flatMap((element): string[] => {
    if (element.type === TYPE.literal || element.type === TYPE.pound) return [];
    if (element.type === TYPE.tag) return [`<${element.value}>`, ...placeholders(element.children)];
    if (element.type === TYPE.plural) return [`${element.value}: number`, ...Object.values(element.options).flatMap((option) => placeholders(option.value))];
    if (element.type === TYPE.select) {
      return [`${element.value}: ${Object.keys(element.options).sort().join("|")}`, ...Object.values(element.options).flatMap((option) => placeholders(option.value))];
    }
    return [element.value];
  });
  return [...new Set(found)].sort();
}

/** Every place of the source that asks for words: the keys it may ask for, or the pattern of them. */
function uses(): { exact: Map<string, string>; patterns: { pattern: RegExp; at: string }[]; unresolved: string[] } {
  const exact = new Map<string, string>();
  const patterns: { pattern: RegExp; at: string }[] = [];
  const unresolved: string[] = [];
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(file) || /\.test\.|schema\.d/.test(file)) continue;
    const source = ts.createSourceFile(file, readFileSync(join(SOURCE, file), "utf8"), ts.ScriptTarget.Latest, true, file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS);
    const scopes = new Map<ts.Node, Map<string, string>>();
    walk(source, (node) => declare(node, scopes));
    walk(source, (node) => {
      if (!ts.isCallExpression(node)) return;
      const namespace = translator(node.expression, scopes);
      const at = `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
      if (namespace === undefined) {
        const callee = node.expression;
        const name = ts.isPropertyAccessExpression(callee) ? callee.expression : callee;
        if (ts.isIdentifier(name) && name.text === "t") unresolved.push(at);
        return;
      }
      if (ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === "has") return;
      for (const key of keysOf(node.arguments[0])) {
        if (typeof key === "string") exact.set(`${namespace}.${key}`, at);
        else patterns.push({ pattern: new RegExp(`^${escaped(namespace)}\\.${key.source}$`), at });
      }
    });
  }
  return { exact, patterns, unresolved };
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

/** The namespace of `useTranslations("…")` and `getTranslations("…")`, awaited or not. */
function namespaceOf(node: ts.Expression | undefined): string | undefined {
  if (!node) return undefined;
  if (ts.isParenthesizedExpression(node) || ts.isAwaitExpression(node)) return namespaceOf(node.expression);
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression) || !/^(use|get)Translations$/.test(node.expression.text)) return undefined;
  const [argument] = node.arguments;
  return argument && ts.isStringLiteral(argument) ? argument.text : undefined;
}

/** `const t = useTranslations("a")`, `const [t] = await Promise.all([getTranslations("a")])`, and parameters of the type `Words<"a">`. */
function declare(node: ts.Node, scopes: Map<ts.Node, Map<string, string>>): void {
  const add = (name: ts.Node, namespace: string | undefined) => {
    if (namespace === undefined || !ts.isIdentifier(name)) return;
    const scope = scopeOf(node);
    scopes.set(scope, (scopes.get(scope) ?? new Map()).set(name.text, namespace));
  };
  if (ts.isVariableDeclaration(node)) {
    add(node.name, namespaceOf(node.initializer));
    const all = node.initializer && ts.isAwaitExpression(node.initializer) && ts.isCallExpression(node.initializer.expression) ? node.initializer.expression.arguments[0] : undefined;
    if (ts.isArrayBindingPattern(node.name) && all && ts.isArrayLiteralExpression(all)) {
      node.name.elements.forEach((element, index) => ts.isBindingElement(element) && add(element.name, namespaceOf(all.elements[index])));
    }
  }
  if (ts.isParameter(node) && node.type && ts.isTypeReferenceNode(node.type) && node.type.typeName.getText() === "Words") {
    const [argument] = node.type.typeArguments ?? [];
    if (argument && ts.isLiteralTypeNode(argument) && ts.isStringLiteral(argument.literal)) add(node.name, argument.literal.text);
  }
}

function scopeOf(node: ts.Node): ts.Node {
  let at = node.parent;
  while (!ts.isFunctionLike(at) && !ts.isSourceFile(at)) at = at.parent;
  return at;
}

/** The namespace of what is called: `t(…)`, `t.rich(…)`, `(await getTranslations("a"))(…)`. */
function translator(callee: ts.Expression, scopes: Map<ts.Node, Map<string, string>>): string | undefined {
  if (ts.isPropertyAccessExpression(callee)) return /^(rich|markup|raw|has)$/.test(callee.name.text) ? translator(callee.expression, scopes) : undefined;
  if (ts.isParenthesizedExpression(callee)) return namespaceOf(callee);
  if (!ts.isIdentifier(callee)) return undefined;
  for (let at: ts.Node = callee; at; at = at.parent) {
    const found = scopes.get(at)?.get(callee.text);
    if (found !== undefined) return found;
  }
  return undefined;
}

function keysOf(node: ts.Expression | undefined): (string | RegExp)[] {
  if (!node) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return keysOf(node.expression);
  if (ts.isConditionalExpression(node)) return [...keysOf(node.whenTrue), ...keysOf(node.whenFalse)];
  if (ts.isTemplateExpression(node)) return [new RegExp(escaped(node.head.text) + node.templateSpans.map((span) => `[^.]+${escaped(span.literal.text)}`).join(""))];
  return [/[^.]+/];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

const english = leaves(en);
const spanish = leaves(es);

describe("the catalogues of words", () => {
  it("have the same keys", () => {
    expect([...spanish.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("have the same values in each message", () => {
    const values = (messages: Map<string, string>) => Object.fromEntries([...messages].map(([key, text]) => [key, placeholders(parseMessage(text))]));
    expect(values(spanish)).toEqual(values(english));
  });

  it("are what the source asks for: nothing is missing and nothing is left over", { timeout: 60_000 }, () => {
    const { exact, patterns, unresolved } = uses();
    expect(unresolved, "calls of a `t` whose namespace this check does not find").toEqual([]);
    expect([...exact].filter(([key]) => !english.has(key)).map(([key, at]) => `${key} at ${at}`), "missing").toEqual([]);
    expect(patterns.filter(({ pattern }) => ![...english.keys()].some((key) => pattern.test(key))).map(({ pattern, at }) => `${pattern.source} at ${at}`), "missing").toEqual([]);
    expect([...english.keys()].filter((key) => !exact.has(key) && !patterns.some(({ pattern }) => pattern.test(key))), "left over").toEqual([]);
  });
});

/** Every title in a template, at whatever depth. */
function titles(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(titles);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) => (typeof inner === "string" && (field === "title" || field === "buyer_title") ? [inner] : titles(inner)));
}

describe("what the shipped templates say", () => {
  const templates = readdirSync(TEMPLATES).map((file) => parseYaml(readFileSync(new URL(file, TEMPLATES), "utf8")) as { name: string });

  it("is there in Spanish", () => {
    expect(templates.length).toBeGreaterThan(3);
    expect(templates.flatMap((template) => [template.name, ...titles(template)]).filter((text) => !(text in shipped))).toEqual([]);
  });

  it("is put into answers of the API, and what people typed is left alone", () => {
    const answer = { items: [{ title: "Final walkthrough", name: "Closing", note: "Closing" }, { title: "Ask the neighbour" }], why: "Labor Day (observed)" };
    expect(inPhrases(shipped, answer)).toEqual({
      items: [{ title: "Recorrido final", name: "Closing", note: "Closing" }, { title: "Ask the neighbour" }],
      why: "Día del Trabajo (trasladado)",
    });
  });
});
