/** Runs an act for each item, so many at a time, and answers in the items' order. */
export async function inTurns<Item, Answer>(items: readonly Item[], atOnce: number, act: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const turn = async () => {
    for (;;) {
      const at = next;
      next += 1;
      const item = items[at];
      if (at >= items.length || item === undefined) return;
      answers[at] = await act(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, turn));
  return answers;
}
