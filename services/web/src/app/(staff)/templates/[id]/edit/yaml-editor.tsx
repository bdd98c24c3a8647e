"use client";

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef } from "react";

export type EditorHandle = { goTo: (line: number) => void };

type Mistake = { line: number; message: string };
type Props = { ref: Ref<EditorHandle>; label: string; initial: string; mistakes: Mistake[]; onChange: (text: string) => void; onSave: () => void };

/** Colours are the application's: both themes come from them. */
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--link)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--accent-text)" },
  { tag: tags.comment, color: "var(--text-2)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--text-2)" },
]);

const theme = EditorView.theme({
  "&": { height: "100%", fontSize: "var(--fs-sm)", background: "var(--surface)", color: "var(--text)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--font-code)", lineHeight: "1.55" },
  ".cm-gutters": { background: "var(--surface-2)", color: "var(--text-2)", borderColor: "var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "var(--selected)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--accent-soft)" },
  ".cm-tooltip": { borderColor: "var(--line-strong)", background: "var(--overlay)", color: "var(--text)" },
});

/** The policy lets styles in by their nonce alone: the one of the document's own scripts. */
const nonce = (): string => document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";

/** A source with its lines, colours and mistakes. Tab leaves it, as it leaves any other field. */
export function YamlEditor({ ref, label, initial, mistakes, onChange, onSave }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const changed = useEffectEvent(onChange);
  const saves = useEffectEvent(onSave);

  useEffect(() => {
    if (!place.current) return;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: initial,
        extensions: [
          EditorView.cspNonce.of(nonce()),
          lineNumbers(),
          lintGutter(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          drawSelection(),
          history(),
          yaml(),
          syntaxHighlighting(colours),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
          theme,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
          keymap.of([
            {
              key: "Mod-s",
              preventDefault: true,
              run: () => {
                saves();
                return true;
              },
            },
            ...defaultKeymap,
            ...historyKeymap,
          ]),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, [initial, label]);

  useEffect(() => {
    const { current } = view;
    if (!current) return;
    const { doc } = current.state;
    const shown = mistakes.map(({ line, message }): Diagnostic => {
      const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
      return { from: at.from + (at.text.length - at.text.trimStart().length), to: at.to, severity: "error", message };
    });
    current.dispatch(setDiagnostics(current.state, shown));
  }, [mistakes]);

  useImperativeHandle(ref, () => ({
    goTo: (line) => {
      const { current } = view;
      if (!current) return;
      const { doc } = current.state;
      const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
      current.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: "center" }) });
      current.focus();
    },
  }));

  return <div ref={place} className="yaml" />;
}
