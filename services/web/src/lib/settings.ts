/**
 * The settings of the process, read once at the first request, all of them from the environment:
 *
 * - `HAUSHAVN_GATEWAY_URL`: where the gateway listens, as seen from this server.
 * - `HAUSHAVN_PUBLIC_URL`: where people reach the web application. Outside development it begins with `https:`.
 * - `HAUSHAVN_WEB_SESSION_KEY`: 64 hexadecimal digits; encrypts the session cookie. The same on every instance.
 * - `HAUSHAVN_ENV`: `development` allows plain HTTP.
 */
export type Settings = {
  gatewayUrl: string;
  publicUrl: URL;
  sessionKey: Uint8Array;
  /** Whether cookies are `Secure` and carry the `__Host-` prefix. */
  isSecure: boolean;
};

export function readSettings(env: Record<string, string | undefined>): Settings {
  const gatewayUrl = new URL(required(env, "HAUSHAVN_GATEWAY_URL")).origin;
  const publicUrl = new URL(required(env, "HAUSHAVN_PUBLIC_URL"));
  const key = required(env, "HAUSHAVN_WEB_SESSION_KEY");
  if (!/^[0-9a-f]{64}$/.test(key)) throw new Error("HAUSHAVN_WEB_SESSION_KEY must be 64 hexadecimal digits");
  const isSecure = publicUrl.protocol === "https:";
  if (!isSecure && env.HAUSHAVN_ENV !== "development") {
    throw new Error("HAUSHAVN_PUBLIC_URL must begin with https: outside development");
  }
  return { gatewayUrl, publicUrl, sessionKey: Uint8Array.from(Buffer.from(key, "hex")), isSecure };
}

function required(env: Record<string, string | undefined>, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

let kept: Settings | undefined;
/** The settings of this process. */
export const settings = (): Settings => (kept ??= readSettings(process.env));
