/** What a page of limbeck allows itself. */
import { createHash } from "node:crypto";

/** Even if text slipped through unescaped, nothing but the report's own script would run and nothing would be fetched. */
export function policy(script: string): string {
  const hash = createHash("sha256").update(script).digest("base64");
  const scripts = script ? `script-src 'sha256-${hash}'; ` : "";
  return `default-src 'none'; style-src 'unsafe-inline'; ${scripts}img-src data:; base-uri 'none'; form-action 'none'`;
}
