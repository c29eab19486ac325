/** A headless Chromium for tests. */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { type Browser, chromium } from "playwright-core";
import { findChromium } from "../../bench/browser/chromium.js";

const found = findChromium();

/** For a test's options: the reason to skip, or false. */
export const withoutBrowser: string | false = found ? false : "no Chromium found; set CHROME_PATH";

/** @throws Error when there is none: ask `withoutBrowser` first */
export async function openBrowser(flags: readonly string[] = []): Promise<Browser> {
  if (!found) throw new Error(String(withoutBrowser));
  return chromium.launch({ executablePath: found, args: ["--no-sandbox", ...flags] });
}
