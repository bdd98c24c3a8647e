"use client";

import { Command } from "cmdk";
import {
  Bell,
  CalendarClock,
  Eye,
  House,
  Keyboard,
  Languages,
  LayoutTemplate,
  ListChecks,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  Plus,
  Rocket,
  ScrollText,
  Search,
  Settings,
  Sun,
  UserRound,
  Users,
} from "lucide-react";
import { useLocale, useTranslations } from "next-intl";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";

import { api, attempt } from "@/api/browser";
import type { Problem } from "@/api/problem";
import type { SearchResults } from "@/api/types";
import { TaskGlyph } from "@/components/domain/status";
import { dayInWords } from "@/lib/days";
import { LANGUAGES, languageOf, LOCALES } from "@/lib/locale";
import { sentence } from "@/lib/words";

import { chooseTheme, signOut } from "./account-menu";
import { actOf, type Reader } from "./commands";
import { chooseLanguage } from "./language";

const DEBOUNCE_MS = 150;
const OF_A_KIND = 6;
/** What the API searches for at most. */
const TEXT_LENGTH_MAX = 100;

type FoundDeal = Omit<SearchResults["deals"][number], "street">;
type Found = Omit<SearchResults, "deals"> & { of: string; deals: FoundDeal[] };
const NOTHING: Found = { of: "", deals: [], tasks: [], people: [] };
type Props = { reader: Reader; onClose: () => void; onHelp: () => void };

/** A person in the list: somebody may take part in several deals, in several parts. */
const keyOf = (person: Found["people"][number]): string => [person.dealId ?? person.userId, person.role, person.name].join(" ");

/** What the API finds for these letters; without any, the deals that close next. */
async function look(wanted: string, signal: AbortSignal): Promise<{ data?: Found; problem?: Problem }> {
  if (wanted) {
    const query = { q: wanted.slice(0, TEXT_LENGTH_MAX), limit: OF_A_KIND };
    const { data, problem } = await attempt(api.GET("/api/search", { params: { query }, signal }));
    return { data: data && { ...data, of: wanted }, problem };
  }
  const query = { status: "ACTIVE", sort: "closingDate", limit: OF_A_KIND };
  const { data, problem } = await attempt(api.GET("/api/deals", { params: { query }, signal }));
  return { data: data && { ...NOTHING, deals: data.items.map(({ propertyAddress, ...deal }) => ({ ...deal, city: propertyAddress.city })) }, problem };
}

/** One field to go anywhere and to do what the page offers. Typing an address, a name or a task's title is enough. */
export function Palette({ reader, onClose, onHelp }: Props) {
  const t = useTranslations("palette");
  const shell = useTranslations("shell");
  const states = useTranslations("dealStatus");
  const words = useTranslations("problems");
  const locale = useLocale();
  const router = useRouter();
  const parts = useTranslations("roles");
  const dialog = useRef<HTMLDialogElement>(null);
  const [chosen, setChosen] = useState("");
  // Until the reader chooses something else, Enter opens what comes first.
  const [hasMoved, setMoved] = useState(false);
  const [text, setText] = useState("");
  const [found, setFound] = useState(NOTHING);
  const [problem, setProblem] = useState<Problem>();
  // What the page offers is read once, before the palette makes the page inert.
  const [offered] = useState(() => ["move-date", "add-task", "as-buyer"].filter((name) => actOf(name) !== undefined));
  const wanted = text.trim();

  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    shown?.querySelector("input")?.focus();
    return () => shown?.close();
  }, []);

  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(
      async () => {
        const answer = await look(wanted, controller.signal).catch(() => undefined);
        if (controller.signal.aborted || !answer) return;
        setProblem(answer.problem);
        if (!answer.data) return;
        setFound(answer.data);
      },
      wanted ? DEBOUNCE_MS : 0,
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [wanted]);

  const type = (typed: string) => {
    setMoved(false);
    setText(typed);
  };
  const go = (href: string) => () => {
    onClose();
    router.push(href);
  };
  const press = (name: string) => () => {
    onClose();
    // The dialog closes first: until then the page is inert.
    requestAnimationFrame(() => actOf(name)?.click());
  };
  const includes = (label: string) => label.toLowerCase().includes(wanted.toLowerCase());
  const places: { label: string; href: string; icon: LucideIcon; keys?: string }[] = [
    { label: shell("work"), href: "/work", icon: ListChecks, keys: "g w" },
    { label: shell("deals"), href: "/deals", icon: House, keys: "g d" },
    { label: shell("notifications"), href: "/notifications", icon: Bell, keys: "g n" },
    ...(reader.mayCreate ? [{ label: shell("newDeal"), href: "/deals/new", icon: Rocket }] : []),
    { label: shell("templates"), href: "/templates", icon: LayoutTemplate, keys: "g t" },
    { label: shell("team"), href: "/team", icon: Users, keys: "g p" },
    ...(reader.isAdmin ? [{ label: shell("audit"), href: "/audit", icon: ScrollText }] : []),
    { label: shell("settings"), href: "/settings/profile", icon: Settings },
  ];
  const acts: { label: string; icon: LucideIcon; run: () => void; keys?: string; lang?: string }[] = [
    ...(offered.includes("move-date") ? [{ label: t("moveDate"), icon: CalendarClock, run: press("move-date"), keys: "m" }] : []),
    ...(offered.includes("add-task") ? [{ label: t("addTask"), icon: Plus, run: press("add-task"), keys: "t" }] : []),
    ...(offered.includes("as-buyer") ? [{ label: t("asBuyer"), icon: Eye, run: press("as-buyer"), keys: "b" }] : []),
    { label: shell("themeSystem"), icon: Monitor, run: () => void chooseTheme("system") },
    { label: shell("themeLight"), icon: Sun, run: () => void chooseTheme("light") },
    { label: shell("themeDark"), icon: Moon, run: () => void chooseTheme("dark") },
    ...LOCALES.filter((one) => one !== languageOf(locale)).map((one) => ({ label: LANGUAGES[one], icon: Languages, run: () => void chooseLanguage(one), lang: one })),
    { label: t("shortcuts"), icon: Keyboard, run: onHelp, keys: "?" },
    { label: shell("signOut"), icon: LogOut, run: () => void signOut() },
  ];
  // Until the answer for these letters is there, only what has them shows: Enter must not open something else.
  const isCurrent = found.of === wanted;
  const deals = isCurrent ? found.deals : found.deals.filter((deal) => includes(deal.name));
  const tasks = isCurrent ? found.tasks : found.tasks.filter((task) => includes(task.title));
  const people = isCurrent ? found.people : found.people.filter((person) => includes(person.name));
  const shownPlaces = places.filter((place) => includes(place.label));
  const shownActs = acts.filter((act) => includes(act.label) && (wanted || act.keys));
  const first = deals[0]?.id ?? shownActs[0]?.label ?? tasks[0]?.id ?? (people[0] && keyOf(people[0])) ?? shownPlaces[0]?.label ?? "";
  const count = deals.length + shownPlaces.length + shownActs.length + tasks.length + people.length;

  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label={t("title")}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <Command shouldFilter={false} loop label={t("title")} value={wanted && !hasMoved ? first : chosen} onValueChange={setChosen} onKeyDown={(event) => event.key.startsWith("Arrow") && setMoved(true)}>
        <div className="palette-field">
          <Search size={19} aria-hidden="true" />
          <Command.Input value={text} onValueChange={type} placeholder={t("placeholder")} />
        </div>
        <Command.List className="palette-list" label={t("results")} onPointerMove={() => setMoved(true)}>
          {problem ? <p className="note note-error m-2">{sentence(words, problem)}</p> : null}
          {count === 0 ? <p className="px-4 py-6 text-center text-text-2">{t("nothing")}</p> : null}
          {wanted ? null : <Group heading={t("goTo")}>{shownPlaces.map(({ label, href, icon, keys }) => <Item key={href} icon={icon} label={label} keys={keys} onSelect={go(href)} />)}</Group>}
          {deals.length ? (
            <Group heading={wanted ? t("deals") : t("closingNext")}>
              {deals.map((deal) => (
                <Item
                  key={deal.id}
                  id={deal.id}
                  icon={House}
                  label={deal.name}
                  says={[deal.city, deal.status === "ACTIVE" ? "" : states(deal.status), deal.closingDate ? t("closes", { date: dayInWords(locale, deal.closingDate) }) : ""].filter(Boolean).join(" · ")}
                  onSelect={go(`/deals/${deal.id}`)}
                />
              ))}
            </Group>
          ) : null}
          {shownActs.length ? <Group heading={t("do")}>{shownActs.map(({ label, icon, run, keys, lang }) => <Item key={label} icon={icon} label={label} keys={keys} lang={lang} onSelect={run === onHelp ? run : () => (onClose(), run())} />)}</Group> : null}
          {tasks.length ? (
            <Group heading={t("tasks")}>
              {tasks.map((task) => (
                <Command.Item key={task.id} value={task.id} className="palette-item" onSelect={go(`/deals/${task.dealId}?task=${task.id}`)}>
                  <TaskGlyph status={task.status} size={17} />
                  <span className="clip font-medium">{task.title}</span>
                  <small className="clip">{[task.dealName, task.dueDate ? dayInWords(locale, task.dueDate) : ""].filter(Boolean).join(" · ")}</small>
                </Command.Item>
              ))}
            </Group>
          ) : null}
          {people.length ? (
            <Group heading={t("people")}>
              {people.map((person) => (
                <Item
                  key={keyOf(person)}
                  id={keyOf(person)}
                  icon={person.dealId ? UserRound : Users}
                  label={person.name}
                  says={[parts(person.role), person.dealName ?? ""].filter(Boolean).join(" · ")}
                  onSelect={go(person.dealId ? `/deals/${person.dealId}/parties` : "/team")}
                />
              ))}
            </Group>
          ) : null}
          {wanted && shownPlaces.length ? <Group heading={t("goTo")}>{shownPlaces.map(({ label, href, icon, keys }) => <Item key={href} icon={icon} label={label} keys={keys} onSelect={go(href)} />)}</Group> : null}
        </Command.List>
        <p className="palette-foot">
          <span>
            <kbd className="kbd">{"↑"}</kbd> <kbd className="kbd">{"↓"}</kbd> {t("move")}
          </span>
          <span>
            <kbd className="kbd">{"↵"}</kbd> {t("open")}
          </span>
          <span className="ms-auto" role="status">
            {t("count", { count })}
          </span>
        </p>
      </Command>
    </dialog>
  );
}

function Group({ heading, children }: { heading: string; children: React.ReactNode }) {
  return (
    <Command.Group heading={heading} className="palette-group">
      {children}
    </Command.Group>
  );
}

type ItemProps = { id?: string; icon: LucideIcon; label: string; says?: string; keys?: string; lang?: string; onSelect: () => void };

function Item({ id, icon: Icon, label, says, keys, lang, onSelect }: ItemProps) {
  return (
    <Command.Item value={id ?? label} className="palette-item" onSelect={onSelect}>
      <Icon size={17} className="flex-none text-text-2" aria-hidden="true" />
      <span className="clip font-medium" lang={lang}>
        {label}
      </span>
      {says ? <small className="clip">{says}</small> : null}
      {keys ? (
        <span className="ms-auto flex gap-1" aria-hidden="true">
          {keys.split(" ").map((key) => (
            <kbd key={key} className="kbd">
              {key.toUpperCase()}
            </kbd>
          ))}
        </span>
      ) : null}
    </Command.Item>
  );
}
