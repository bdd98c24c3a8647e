/** What a page looks like before it is there. It shows after a moment: a page that comes at once does not flicker. */
export function PageSkeleton({ kind }: { kind: "list" | "board" | "cards" | "form" }) {
  return (
    <div className="page-skeleton" aria-hidden="true">
      <div className="page-head">
        <div className="skeleton h-7 w-48" />
      </div>
      <PartSkeleton kind={kind} />
    </div>
  );
}

/** A part of a page, below its head. */
export function PartSkeleton({ kind }: { kind: "list" | "board" | "cards" | "form" }) {
  if (kind === "board") {
    return (
      <div className="page-body page-skeleton grid grid-cols-[repeat(auto-fit,minmax(14rem,1fr))] gap-4">
        {[3, 2, 2, 3].map((cards, column) => (
          <div key={column} className="grid content-start gap-3">
            <div className="skeleton h-5 w-28" />
            {Array.from({ length: cards }, (_, index) => (
              <div key={index} className="card h-36" />
            ))}
          </div>
        ))}
      </div>
    );
  }
  if (kind === "cards") {
    return (
      <div className="page-body page-skeleton grid grid-cols-[repeat(auto-fill,minmax(19rem,1fr))] gap-4">
        {Array.from({ length: 6 }, (_, index) => (
          <div key={index} className="card h-28" />
        ))}
      </div>
    );
  }
  if (kind === "form") {
    return (
      <div className="page-body page-skeleton grid max-w-3xl gap-5">
        <div className="card h-56" />
        <div className="card h-72" />
      </div>
    );
  }
  return (
    <div className="page-body page-skeleton">
      <div className="card overflow-hidden">
        {Array.from({ length: 12 }, (_, index) => (
          <div key={index} className="flex min-h-10 items-center gap-4 border-t border-line px-4 first:border-0">
            <div className="skeleton size-4" />
            <div className="skeleton h-4 w-2/5" />
            <div className="skeleton ms-auto h-4 w-24" />
          </div>
        ))}
      </div>
    </div>
  );
}
