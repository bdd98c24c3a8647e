import type { Me } from "./types";

/** For so long a profile is used again: half a page's requests would ask for it, and a changed role shows within this. */
const KEPT_MS = 4_000;
/** Profiles that are kept, at most. */
const PROFILES = 2_000;

type Kept = Map<string, { until: number; me: Me }>;
/** Pages and routes are bundles of their own in one process: what they share is global. */
const shared = globalThis as typeof globalThis & { haushavnProfiles?: Kept };
const profiles = (): Kept => (shared.haushavnProfiles ??= new Map());

export function keptProfile(token: string): Me | undefined {
  const kept = profiles().get(token);
  return kept && kept.until > Date.now() ? kept.me : undefined;
}

export function keepProfile(token: string, me: Me): void {
  if (profiles().size >= PROFILES) profiles().clear();
  profiles().set(token, { until: Date.now() + KEPT_MS, me });
}

/** After a change of users or of the organization: who changed it sees it at once. */
export const forgetProfiles = (): void => profiles().clear();
