/** A value as YAML writes it, at a prompt. */
import { parseDocument } from "yaml";

/** Null where the text is not valid YAML, or refers to an anchor that is not there. */
export function yamlValue(text: string): { readonly value: unknown } | null {
  const document = parseDocument(text);
  if (document.errors.length > 0) return null;
  try {
    return { value: document.toJS() as unknown };
  } catch {
    return null;
  }
}
