/**
 * Secrets of a recipe: header values, keys in addresses, `user:password@`. Whatever is written or said passes through here.
 * Nothing here is Node's.
 */

/** What stands in the place of a secret. */
export const MASK = "***";

/** Query parameters that choose what is asked for. All others may be keys. */
const PLAIN_PARAMETERS = new Set([
  "api-version",
  "format",
  "lang",
  "language",
  "model",
  "revision",
  "task",
  "v",
  "version",
]);
/** Headers that hold no secret worth hiding in messages. */
const PLAIN_HEADERS = /^(accept(-\w+)?|cache-control|connection|content-type|user-agent)$/i;
/** What an authorisation begins with. */
const SCHEME = /^((?:api-?key|basic|bearer|digest|key|token)\s+)?([\s\S]*)$/i;
/** A name from the environment, as an address may hold it. */
export const ADDRESS_REFERENCE = /\$([A-Z_][A-Z0-9_]*)/g;
/** The same in a header. */
export const HEADER_REFERENCE = /\$([A-Za-z_]\w*)/g;
/** scheme://rest, anywhere in a text. */
const ADDRESS = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s"'`<>\\]*)/gi;

/** Shorter ones are too common to be looked for in texts. */
const SHORTEST = 4;
/** Shorter ones count as whole words only. */
const DISTINCT = 8;
/** No plain word is so long. */
const LONG = 16;
/** Names of headers, parameters and variables that hold secrets. */
const SECRETIVE = /auth|code|cookie|cred|jwt|key|pass|pwd|secret|session|sig|token/i;

/** Fields inside fields that a recipe may have: what goes on forever refers to itself. */
const DEEPEST = 40;

/** Every form a secret may be written in, and how it is found. */
const forms = new Map<string, RegExp | string>();

/** A copy of a recipe, or of a part of it, without its secrets. $NAME references stay. */
export function maskSecrets<T>(value: T): T {
  return changed(value, { header: maskHeader, headers: null, address: maskUrl, text: maskAddresses }) as T;
}

/**
 * What a recipe is known by, whatever its secrets are: no hash of one is kept, and a run goes on when its key has changed or
 * is given in another way. Equal to the recipe where that holds none.
 */
export function withoutSecrets<T>(value: T): T {
  const text = (found: string): string => found.replace(ADDRESS, (_, scheme, rest) => scheme + partsOf(rest, bare));
  return changed(value, { header: () => "", headers: {}, address: text, text }) as T;
}

/** A text without the secrets known to this process, and without keys and passwords in addresses. */
export function maskText(text: string): string {
  let masked = maskAddresses(text);
  for (const [form, pattern] of forms) if (masked.includes(form)) masked = masked.replaceAll(pattern, MASK);
  return masked;
}

/** An address without `user:password@`, keys in its query and fragment. */
export function maskUrl(url: string): string {
  // Without http:// it is no address, and may hold a password all the same.
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(url) ?? [];
  return scheme + partsOf(rest, shown);
}

/**
 * Keeps a secret out of every text that `maskText` sees from now on, as it is, encoded for addresses and as base64.
 * @param name of what holds it: where that does not speak of secrets, a plain word is left alone, for it is in many texts
 */
export function rememberSecret(secret: string, name = "key"): void {
  if (!SECRETIVE.test(name) && secret.length < LONG && !/[A-Z0-9]/.test(secret)) return;
  const known = formsOf(secret).filter((form) => form.length >= SHORTEST && !form.includes(MASK) && !forms.has(form));
  if (known.length === 0) return;
  const all = [...forms.keys(), ...known].sort((a, b) => b.length - a.length);
  forms.clear();
  for (const form of all) forms.set(form, form.length < DISTINCT ? wholeWord(form) : form);
}

/** Remembers every secret that stands in a recipe as written. */
export function rememberSecretsOf(recipe: unknown): void {
  changed(recipe, {
    header: (value, name) => {
      if (!PLAIN_HEADERS.test(name)) rememberHeader(value, name);
      return value;
    },
    headers: null,
    address: (url) => {
      rememberUrl(url.replace(/^[a-z][a-z0-9+.-]*:\/\//i, ""));
      return url;
    },
    text: (text) => {
      for (const [, , rest] of text.matchAll(ADDRESS)) rememberUrl(rest as string);
      return text;
    },
  });
}

/** Remembers what a header's value holds beside its scheme and references. */
export function rememberHeader(value: string, name: string): void {
  const [, scheme = "", rest = ""] = SCHEME.exec(value) ?? [];
  const pieces = rest.split(HEADER_REFERENCE).filter((_, i) => i % 2 === 0);
  for (const piece of [...pieces, ...(pieces.join("").trim() === "" ? [] : [rest])]) rememberSecret(piece.trim(), name);
  const decoded = /^basic/i.test(scheme) ? fromBase64(rest.trim()) : null;
  if (decoded?.includes(":")) rememberSecret(decoded.slice(decoded.indexOf(":") + 1));
}

function rememberUrl(rest: string): void {
  const remember = (part: string, name?: string): void => {
    if (isReference(part)) return;
    rememberSecret(part, name);
    rememberSecret(unescaped(part), name);
  };
  partsOf(rest, {
    user: (user) => {
      // The name of a user is no secret, unless it comes alone: then it is a token.
      const colon = user.indexOf(":");
      remember(user);
      if (colon >= 0) remember(user.slice(colon + 1));
      return "";
    },
    value: (value, name) => {
      remember(value, name);
      return value;
    },
  });
}

interface Changes {
  readonly header: (value: string, name: string) => string;
  /** What becomes of all headers; null: of each its own. */
  readonly headers: unknown;
  /** Of a field named `url`. */
  readonly address: (url: string) => string;
  /** Of any other text. */
  readonly text: (text: string) => string;
}

/** Walks through plain data; a key may be a path of fields, as in variants and sweeps. */
function changed(value: unknown, changes: Changes, keys: readonly string[] = []): unknown {
  if (ArrayBuffer.isView(value) || keys.length > DEEPEST) return value;
  const at = keys.indexOf("headers");
  if (at >= 0 && at === keys.length - 1 && changes.headers !== null && !Array.isArray(value)) return changes.headers;
  if (Array.isArray(value)) return value.map((inner) => changed(inner, changes, keys));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, changed(inner, changes, [...keys, ...key.split(".")])]),
    );
  if (at >= 0 && value !== null && value !== undefined)
    return changes.header(String(value), keys.slice(at + 1).join("."));
  if (typeof value !== "string") return value;
  return keys[keys.length - 1] === "url" ? changes.address(value) : changes.text(value);
}

function maskHeader(value: string): string {
  const [, scheme = "", rest = ""] = SCHEME.exec(value) ?? [];
  // A reference is one where it is all there is, or is written as variables are: `pa$word` is a password.
  if (/^\$[A-Za-z_]\w*$/.test(rest.trim())) return value;
  const pieces = rest.split(/(\$[A-Z_][A-Z0-9_]*)/);
  const masked = pieces.map((piece, i) => (i % 2 === 1 || piece.trim() === "" ? piece : MASK)).join("");
  return scheme + masked;
}

const maskAddresses = (text: string): string =>
  text.replace(ADDRESS, (_, scheme: string, rest: string) => {
    // What closes a list or a sentence is not part of the address.
    let end = rest.length;
    while (end > 0 && ")]},.;:".includes(rest[end - 1] as string)) end--;
    return scheme + partsOf(rest.slice(0, end), shown) + rest.slice(end);
  });

interface Parts {
  /** What becomes of `user:password`; "" leaves out its @ too. */
  readonly user: (user: string) => string;
  /** Of the value of a parameter, or of a fragment, which has no name; null leaves it out. */
  readonly value: (value: string, name: string) => string | null;
}

const isReference = (value: string): boolean => /^\$[A-Z_][A-Z0-9_]*$/.test(value);
const shown: Parts = {
  user: (user) =>
    user
      .split(":")
      .map((part) => (isReference(part) ? part : MASK))
      .filter((part, i, all) => part !== MASK || all[i - 1] !== MASK)
      .join(":"),
  value: (value) => (isReference(value) || value === "" ? value : MASK),
};
const bare: Parts = { user: () => "", value: () => null };

/** Puts an address together again. @param rest what follows `://` */
function partsOf(rest: string, { user, value }: Parts): string {
  const [, authority = "", path = "", query, fragment] =
    /^([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest) ?? [];
  const at = authority.lastIndexOf("@");
  // A password with a slash in it makes what is before the slash look like the host.
  const torn = at < 0 && /:(?!\d*$)/.test(authority) && !authority.startsWith("[") ? rest.lastIndexOf("@") : -1;
  if (torn >= 0) {
    const end = user(rest.slice(0, torn));
    return (end ? `${end}@` : "") + partsOf(rest.slice(torn + 1), { user, value });
  }
  const said = at < 0 ? "" : user(authority.slice(0, at));
  const parameters = (query ?? "").split("&").flatMap((parameter) => {
    const equals = parameter.indexOf("=");
    const [name, given] = [parameter.slice(0, Math.max(0, equals)), parameter.slice(equals + 1)];
    if (PLAIN_PARAMETERS.has(name.toLowerCase()) && /^[\w.-]{0,40}$/.test(given)) return [parameter];
    const found = value(given, name);
    return found === null ? [] : [equals < 0 ? found : `${name}=${found}`];
  });
  const end = fragment === undefined ? null : value(fragment, "");
  return [
    said ? `${said}@` : "",
    authority.slice(at + 1),
    path,
    query === undefined || parameters.length === 0 ? "" : `?${parameters.join("&")}`,
    end === null ? "" : `#${end}`,
  ].join("");
}

function formsOf(secret: string): string[] {
  const encoded = escaped(secret);
  const base64 = toBase64(secret);
  return [
    ...new Set([
      secret,
      encoded,
      encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      encoded.replaceAll("%20", "+"),
      JSON.stringify(secret).slice(1, -1),
      base64,
      base64.replace(/=+$/, ""),
      base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
    ]),
  ];
}

const wholeWord = (form: string): RegExp =>
  new RegExp(`(?<![A-Za-z0-9])${form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![A-Za-z0-9])`, "g");

function escaped(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent signs decoded, where they are some. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Base64 of a text's UTF-8. */
export function toBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text: string): string | null {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
  } catch {
    return null;
  }
}
