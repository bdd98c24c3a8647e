// Checks tokens.css: contrast of every text/background pair in both themes (WCAG 2.2 AA), and that status colours stay apart
// for people with protan, deutan and tritan vision (Machado 2009, severity 1; CIEDE-like distance in OKLab). Exit 1 on a failure.
import { readFileSync } from "node:fs";
const css = readFileSync(new URL("../src/app/tokens.css", import.meta.url), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
const root = css.slice(css.indexOf(":root"), css.indexOf("@media"));
const raw = Object.fromEntries([...root.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((m) => [m[1], m[2].trim()]));
const value = (name, dark) => {
  let v = raw[name];
  const pair = v?.match(/^light-dark\((#[0-9a-f]{3,8}),\s*(#[0-9a-f]{3,8})\)$/i);
  if (pair) v = pair[dark ? 2 : 1];
  if (!/^#[0-9a-f]{6}$/i.test(v ?? "")) throw new Error(`--${name} is not a plain colour: ${v}`);
  return [1, 3, 5].map((i) => parseInt(v.slice(i, i + 2), 16) / 255);
};
const linear = (c) => c.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
const luminance = (c) => { const [r, g, b] = linear(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const surfaces = ["bg", "surface", "surface-2", "surface-3", "overlay", "selected"];
const pairs = [];
for (const s of surfaces) {
  for (const t of ["text", "text-2", "text-3", "link", "danger", "accent-text"]) pairs.push([t, s, 4.5]);
  pairs.push(["focus", s, 3]);
}
for (const s of ["bg", "surface", "surface-2", "overlay"]) pairs.push(["control-line", s, 3]);
pairs.push(["on-primary", "primary", 4.5], ["on-primary", "primary-hover", 4.5], ["on-danger", "danger", 4.5], ["primary", "surface", 4.5],
  ["link", "primary-soft", 4.5], ["text", "primary-soft", 4.5], ["accent-text", "accent-soft", 4.5], ["text", "accent-soft", 4.5], ["accent", "surface", 3],
  ["text-2", "accent-soft", 4.5], ["rail-text", "rail", 4.5], ["rail-text-2", "rail", 4.5], ["rail-text", "rail-2", 4.5], ["rail-text-2", "rail-2", 4.5], ["rail-on", "rail-2", 4.5],
  ["rail-accent", "rail", 3], ["rail-accent", "rail-2", 3]);
const tasks = ["pending", "progress", "blocked", "overdue", "completed", "waived"].map((x) => `task-${x}`);
const deals = ["draft", "active", "hold", "closed", "cancelled"].map((x) => `deal-${x}`);
const risks = ["ok", "watch", "late"].map((x) => `risk-${x}`);
for (const s of [...tasks, ...deals, ...risks]) {
  pairs.push([`${s}-fg`, `${s}-bg`, 4.5], ["text", `${s}-bg`, 4.5]);
  for (const b of ["bg", "surface", "surface-2", "overlay", "selected"]) pairs.push([`${s}-fg`, b, 4.5]);
}
for (let i = 1; i <= 5; i++) pairs.push([`chart-${i}`, "surface", 3]);
let failed = 0, lowest = [99];
for (const dark of [false, true]) for (const [fg, bg, min] of pairs) {
  const c = contrast(value(fg, dark), value(bg, dark));
  if (c / min < lowest[0]) lowest = [c / min, fg, bg, dark ? "dark" : "light", c.toFixed(2), min];
  if (c < min) { failed++; console.log(`FAIL ${dark ? "dark " : "light"} ${fg} on ${bg}: ${c.toFixed(2)} < ${min}`); }
}
console.log(`${pairs.length * 2} pairs, ${failed} below AA; tightest: ${lowest.slice(1, 4).join(" / ")} at ${lowest[4]}:1 (needs ${lowest[5]})`);
const vision = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const see = (c, m) => m.map((r) => Math.min(1, Math.max(0, r[0] * c[0] + r[1] * c[1] + r[2] * c[2])));
const oklab = ([r, g, b]) => {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b), m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b),
    s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
};
for (const [group, names] of [["task", tasks], ["deal", deals], ["risk", risks]]) for (const dark of [false, true]) for (const [kind, matrix] of Object.entries(vision)) {
  let min = [9];
  for (let i = 0; i < names.length; i++) for (let j = 0; j < i; j++) {
    const [a, b] = [names[i], names[j]].map((n) => oklab(see(linear(value(`${n}-fg`, dark)), matrix)));
    const d = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    if (d < min[0]) min = [d, names[j], names[i]];
  }
  const bad = kind !== "normal" ? min[0] < 0.02 : min[0] < 0.035;
  if (bad) failed++;
  console.log(`${bad ? "FAIL " : ""}${group} ${dark ? "dark " : "light"} ${kind}: closest ${min[1]} / ${min[2]} ${(min[0] * 100).toFixed(1)}`);
}
process.exit(failed ? 1 : 0);
