/** HTML that cannot forget to escape: `markup` escapes every value that is not markup itself. */

export class Markup {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Value = Markup | string | number | null | undefined | false | readonly Value[];

/** Tagged template: strings and numbers are escaped, markup goes in as it is, lists are joined, nothing gives nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = parts[0] as string;
  values.forEach((value, i) => {
    text += render(value) + (parts[i + 1] as string);
  });
  return new Markup(text);
}

/** Markup that was made elsewhere and is known to be safe. */
export function raw(text: string): Markup {
  return new Markup(text);
}

/** For text and for quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** JSON for a script element: no "</script>", no comment start, no line separators. */
export function scriptJson(value: unknown): Markup {
  return raw(
    JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}

function render(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join("");
  if (value === null || value === undefined || value === false) return "";
  return escapeText(String(value));
}
