import { passOn } from "@/api/sign-in";

export const POST = (request: Request): Promise<Response> => passOn(request, "/api/auth/verify-email");
