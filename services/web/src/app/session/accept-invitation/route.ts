import { signIn } from "@/api/sign-in";

export const POST = (request: Request): Promise<Response> => signIn(request, "/api/auth/accept-invitation");
