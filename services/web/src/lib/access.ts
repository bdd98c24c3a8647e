import type { Me } from "@/api/types";

/** Whether the permissions hold one; `*` is all of them. What a screen shows by it is for comfort: the services decide. */
export const may = (me: Pick<Me, "permissions">, permission: string): boolean => me.permissions.includes("*") || me.permissions.includes(permission);

export const isBuyer = (me: Me): boolean => me.user.role === "BUYER";
