import {
  AlarmClock,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CirclePlay,
  CircleSlash,
  CircleX,
  Contrast,
  KeyRound,
  Lock,
  type LucideIcon,
  Pencil,
} from "lucide-react";
import { useTranslations } from "next-intl";

const TASK_ICONS: Record<string, LucideIcon> = {
  PENDING: CircleDashed,
  IN_PROGRESS: Contrast,
  BLOCKED: Lock,
  OVERDUE: AlarmClock,
  COMPLETED: CircleCheck,
  WAIVED: CircleSlash,
};

const DEAL_ICONS: Record<string, LucideIcon> = {
  DRAFT: Pencil,
  ACTIVE: CirclePlay,
  ON_HOLD: CirclePause,
  CLOSED: KeyRound,
  CANCELLED: CircleX,
};

/** A task's status in a dense row: colour and shape; the word is its accessible name and its tooltip. */
export function TaskGlyph({ status, size = 16 }: { status: string; size?: number }) {
  const t = useTranslations("taskStatus");
  const Icon = TASK_ICONS[status] ?? CircleDashed;
  return (
    <span className={`t-${status} grid flex-none place-items-center`} title={t(status)}>
      <Icon size={size} strokeWidth={1.9} role="img" aria-label={t(status)} />
    </span>
  );
}

/** A task's status with its word. */
export function TaskPill({ status }: { status: string }) {
  const t = useTranslations("taskStatus");
  const Icon = TASK_ICONS[status] ?? CircleDashed;
  return (
    <span className={`pill t-${status}`}>
      <Icon size={14} aria-hidden="true" />
      {t(status)}
    </span>
  );
}

/** A deal's status with its word. */
export function DealPill({ status }: { status: string }) {
  const t = useTranslations("dealStatus");
  const Icon = DEAL_ICONS[status] ?? CirclePlay;
  return (
    <span className={`pill d-${status}`}>
      <Icon size={14} aria-hidden="true" />
      {t(status)}
    </span>
  );
}
