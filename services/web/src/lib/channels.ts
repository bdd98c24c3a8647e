/** How somebody is asked for a task, in the order of the choice. */
export const CHANNELS = ["PHONE", "EMAIL", "TEXT", "IN_PERSON", "OTHER"] as const;
export type Channel = (typeof CHANNELS)[number];

/** A channel as the API has it; what is not known is another one. */
export const channelOf = (text: string): Channel => CHANNELS.find((channel) => channel === text) ?? "OTHER";
