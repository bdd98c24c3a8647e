"use client";

import { api, attempt, type Outcome } from "./browser";
import type { components } from "./schema";
import type { Me } from "./types";

type Profile = components["schemas"]["OwnProfileBody"];

/** Changes what the reader says of themselves: a merge patch. */
export const changeProfile = (change: Partial<Profile>): Promise<Outcome<Me>> =>
  attempt(api.PATCH("/api/users/me", { headers: { "content-type": "application/merge-patch+json" }, body: change as Profile }));
