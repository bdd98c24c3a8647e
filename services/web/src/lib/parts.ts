import type { Part } from "@/api/types";

/** The parts that somebody takes in a deal, in the order in which they are offered. */
export const PARTS = ["buyer", "seller", "buyer_agent", "listing_agent", "transaction_coordinator", "lender", "title_escrow", "inspector", "appraiser", "attorney", "other"] as const satisfies readonly Part[];
