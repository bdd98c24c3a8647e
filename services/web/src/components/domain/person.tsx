import { Building2, UserRoundPlus } from "lucide-react";

/** The letters that stand for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const last = words.length > 1 ? words.at(-1) : "";
  return `${Array.from(words[0] ?? "")[0] ?? ""}${Array.from(last ?? "")[0] ?? ""}`.toUpperCase();
}

/** The same colour for the same name, wherever it shows. */
const tone = (name: string): number => Array.from(name).reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 997, 7) % 5;

/** A person's letters on a colour of theirs. The name is beside it or its tooltip. */
export function Avatar({ name, size = 24, label = false }: { name: string; size?: number; label?: boolean }) {
  return (
    <span
      className={`avatar avatar-${tone(name)}`}
      style={{ "--size": `${size}px` } as React.CSSProperties}
      {...(label ? { role: "img", "aria-label": name, title: name } : { "aria-hidden": true })}
    >
      {initials(name)}
    </span>
  );
}

/** Somebody of another company. */
export function OutsideAvatar({ name, size = 24 }: { name: string; size?: number }) {
  return (
    <span className="avatar avatar-place" style={{ "--size": `${size}px` } as React.CSSProperties} title={name} role="img" aria-label={name}>
      <Building2 size={size * 0.58} aria-hidden="true" />
    </span>
  );
}

/** Nobody yet. */
export function NobodyAvatar({ label, size = 24 }: { label: string; size?: number }) {
  return (
    <span className="avatar avatar-place" style={{ "--size": `${size}px` } as React.CSSProperties} title={label} role="img" aria-label={label}>
      <UserRoundPlus size={size * 0.58} aria-hidden="true" />
    </span>
  );
}
