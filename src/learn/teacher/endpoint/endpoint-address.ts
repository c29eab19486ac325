/** Where an endpoint is and what it is called with: the secrets of an address go into headers, never into a name. */
import { InputError } from "../../../base/errors.js";
import { quote } from "../../../base/quote.js";
import { MASK, rememberHeader, rememberSecret, rememberSecretsOf, toBase64, unescaped } from "../../../base/secrets.js";

export interface Endpoint {
  readonly url: URL;
  readonly headers: Headers;
  /** The field whose secret is masked: this is the recipe of a copy; null: none. */
  readonly masked: string | null;
}

/** The address without `user:password@`, query and fragment: in reports and messages. */
export function endpointName(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/^([a-z]+:\/\/)[^/]*@/i, "$1");
}

/**
 * Moves `user:password@` into a header, since fetch refuses it in an address.
 * @throws InputError when the address is none, or a header cannot be sent
 */
export function endpointOf(address: string, given: Readonly<Record<string, string>> = {}): Endpoint {
  rememberSecretsOf({ url: address, headers: given });
  const expected = "an http or https address";
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw new InputError({ code: "option-invalid", where: "teacher.url", found: `found ${quote(address)}`, expected });
  const url = new URL(address);
  const headers = new Headers({ "content-type": "application/json" });
  for (const [name, value] of Object.entries(given)) setHeader(headers, name, value);
  if (url.username || url.password) {
    if (headers.has("authorization"))
      throw new InputError({
        code: "option-conflict",
        where: "teacher.url",
        found: "it holds a user name, and teacher.headers holds authorization",
        expected: "one of them",
      });
    const basic = toBase64(`${unescaped(url.username)}:${unescaped(url.password)}`);
    rememberSecret(basic);
    headers.set("authorization", `Basic ${basic}`);
    url.username = "";
    url.password = "";
  }
  return { url, headers, masked: maskedField(address, given) };
}

function setHeader(headers: Headers, name: string, value: string): void {
  rememberHeader(value, name);
  try {
    headers.set(name, value);
  } catch {
    // The reason of fetch repeats the value.
    throw new InputError({
      code: "option-invalid",
      where: `teacher.headers.${name}`,
      found: "its name or value holds characters that a header cannot hold",
      expected: "text in Latin letters without line breaks",
    });
  }
}

function maskedField(address: string, headers: Readonly<Record<string, string>>): string | null {
  if (address.includes(MASK)) return "teacher.url";
  const header = Object.keys(headers).find((name) => headers[name]?.includes(MASK));
  return header === undefined ? null : `teacher.headers.${header}`;
}

/** @throws InputError when a secret is masked: it has to be given again */
export function requireSecrets({ masked }: Endpoint): void {
  if (masked === null) return;
  throw new InputError({
    code: "secret-missing",
    where: masked,
    found: `this copy of the recipe holds ${MASK} in the place of a secret`,
    expected: "the secret, or a $NAME that the environment holds",
    cure: `Give it with --set ${masked}=..., or run the recipe that the copy was made of`,
  });
}
