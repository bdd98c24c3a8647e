/** The policy of one page. Style attributes are allowed because rendered progress bars write them; style elements are not. */
export function contentSecurityPolicy(nonce: string, { isSecure, isDevelopment }: { isSecure: boolean; isDevelopment: boolean }): string {
  return [
    "default-src 'none'",
    // React's development build evaluates strings to rebuild stacks of the server.
    `script-src 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ""}`,
    `style-src-elem 'self'${isDevelopment ? " 'unsafe-inline'" : ` 'nonce-${nonce}'`}`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    ...(isSecure ? ["upgrade-insecure-requests"] : []),
  ].join("; ");
}
