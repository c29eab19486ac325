/** The command line as it was typed, without the secrets that it gives a recipe. */
import { MASK, maskSecrets, maskText } from "../../base/secrets.js";
import { mayHoldSecret } from "./load.js";
import { yamlValue } from "./yaml-value.js";

/** Fields given as path=value, alone or with their flag before them. */
const OVERRIDE = /^(--(?:set|grid|random)=)?([\w.-]+)=([\s\S]*)$/;

/** @param args what follows `limbeck` */
export function maskCommand(args: readonly string[]): string {
  return maskText(["limbeck", ...args.map(maskArgument)].join(" "));
}

function maskArgument(argument: string): string {
  const [, flag = "", path, value] = OVERRIDE.exec(argument) ?? [];
  if (path === undefined || value === undefined) return argument;
  const read = yamlValue(value);
  if (!read) return mayHoldSecret(argument) ? `${flag}${path}=${MASK}` : argument;
  const masked = maskSecrets({ [path]: read.value })[path];
  if (JSON.stringify(masked) === JSON.stringify(read.value)) return argument;
  return `${flag}${path}=${typeof masked === "string" ? masked : JSON.stringify(masked)}`;
}
