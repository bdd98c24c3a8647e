/** Whether the process serves. It needs nothing else to do so: without the gateway, pages say what is unavailable. */
export const GET = (): Response => Response.json({ status: "ok" });
