/** A headless Chromium for tests. */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CANDIDATES = [
  process.env.CHROME_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

const found = CANDIDATES.find((path) => path !== undefined && existsSync(path));

/** For a test's options: the reason to skip, or false. */
export const withoutBrowser: string | false = found ? false : "no Chromium found; set CHROME_PATH";

/** @throws Error when there is none: ask `withoutBrowser` first */
export async function openBrowser(flags: readonly string[] = []): Promise<Browser> {
  if (!found) throw new Error(String(withoutBrowser));
  return chromium.launch({ executablePath: found, args: ["--no-sandbox", ...flags] });
}
