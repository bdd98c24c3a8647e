/** The first tab stop: past the navigation, to what the page is for. */
export function SkipLink({ label }: { label: string }) {
  return (
    <a href="#main" className="fixed start-3 top-3 z-(--z-skip) -translate-y-20 rounded-md bg-primary px-4 py-2 font-medium text-on-primary focus:translate-y-0">
      {label}
    </a>
  );
}
