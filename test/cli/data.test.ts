/** `limbeck data`, and what every other command says of its data before it trains. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import type { DataAudit } from "../../src/index.js";
import { openBrowser, withoutBrowser } from "../support/browser.js";
import { SMALL, temporary, warmLimbeck } from "./support.js";

const { folder, remove } = temporary();
const limbeck = warmLimbeck();
after(remove);
const at = (name: string): string => join(folder, name);
const DIGITS = resolve("recipes/digits.yaml");
const codes = ({ findings }: DataAudit): string[] => findings.map((f) => f.code);

/** A table whose row number, constant and mark for a missing value are mistakes; 9 of 10 rows are "fine". */
function visits(): string {
  const rows = Array.from({ length: 300 }, (_, i) => {
    const age = i % 30 === 7 ? 999 : 20 + ((i * 37) % 60);
    return [1000 + i, age, 5, ((i * 101) % 89) / 10, i % 10 === 3 ? "ill" : "fine"].join(",");
  });
  return ["id,age,unit,dose,state", ...rows, ""].join("\n");
}

async function picture(path: string, width: number, height: number, shade: number): Promise<void> {
  const file = at(path);
  mkdirSync(dirname(file), { recursive: true });
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * (7 + shade) + shade) % 251);
  await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(file);
}

before(async () => {
  writeFileSync(at("visits.csv"), visits());
  writeFileSync(at("visits.yaml"), "data: { source: table, path: visits.csv, label: state }\n");
  for (let i = 0; i < 12; i++) {
    await picture(`photos/train/a/${i}.png`, 20, 20, i);
    await picture(`photos/train/b/${i}.png`, i === 0 ? 90 : 20, 20, 40 + i);
    await picture(`photos/test/a/${i}.png`, 20, 20, 80 + i);
    await picture(`photos/test/b/${i}.png`, 20, 20, 120 + i);
  }
  copyFileSync(at("photos/train/a/3.png"), at("photos/test/a/again.png"));
  writeFileSync(at("photos.yaml"), "data: { source: images, path: photos, size: [16, 16] }\n");
});

describe("limbeck data", () => {
  test("without a file it is the digits, and nothing looks wrong", async () => {
    const made = await limbeck(["data"]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^data +digits\nsamples +1,797 of 1x8x8\n/);
    assert.match(made.stdout, /\ntrain +1,069 +1,069\n/);
    assert.match(made.stdout, /Nothing looks wrong\.\n$/);
  });

  test("a file with nothing but data: every finding with its code and examples, exit 0", async () => {
    const made = await limbeck(["data", "visits.yaml"], { cwd: folder });
    assert.equal(made.code, 0, made.stderr);
    for (const code of ["index-column", "feature-constant", "feature-sentinel", "class-dominant"])
      assert.match(made.stdout, new RegExp(`code: ${code}\n|code: ${code}$`, "m"));
    assert.match(made.stdout, /warning: "age" is 999 in 10 rows and between 20 and 79 in all others/);
    assert.match(made.stdout, /examples: id\n/);
  });

  test("--json is the audit, alone", async () => {
    const made = await limbeck(["data", "visits.yaml", "--json"], { cwd: folder });
    const audit = JSON.parse(made.stdout) as DataAudit;
    assert.equal(audit.samples, 300);
    assert.deepEqual(
      audit.features?.shown.map((f) => f.name),
      ["id", "age", "unit", "dose"],
    );
    assert.equal(audit.findings.find((f) => f.code === "feature-sentinel")?.count, 10);
    assert.equal(made.stderr, "");
  });

  test("data that cannot be used: exit 2, and no page", async () => {
    writeFileSync(at("gone.yaml"), "data: { source: table, path: gone.csv, label: state }\n");
    writeFileSync(at("empty.yaml"), "name: nothing\n");
    for (const recipe of ["gone.yaml", "empty.yaml", "missing.yaml"]) {
      const made = await limbeck(["data", recipe, "--page", "no.html"], { cwd: folder });
      assert.equal(made.code, 2, recipe);
      assert.match(made.stderr, /^error: /);
      assert.equal(made.stdout, "");
    }
    assert.equal(existsSync(at("no.html")), false);
  });

  test("an existing file is not overwritten", async () => {
    writeFileSync(at("mine.html"), "mine");
    const made = await limbeck(["data", "visits.yaml", "--page", "mine.html"], { cwd: folder });
    assert.equal(made.code, 2);
    assert.equal(readFileSync(at("mine.html"), "utf8"), "mine");
  });
});

describe("the page", () => {
  const pages: Record<string, string> = {};
  before(async () => {
    for (const name of ["visits", "photos"]) {
      pages[name] = at(`${name}.html`);
      const made = await limbeck(["data", `${name}.yaml`, "--page", `${name}.html`], { cwd: folder });
      assert.equal(made.code, 0, made.stderr);
    }
  });

  test("nothing in it is fetched, and no script runs", () => {
    for (const page of Object.values(pages)) {
      const html = readFileSync(page, "utf8");
      for (const [, reference] of html.matchAll(/\b(?:src|href|action|poster)="([^"]*)"/g))
        assert.match(reference as string, /^data:image\/png;base64,/);
      assert.doesNotMatch(html, /<script|@import|url\(/);
      assert.match(html, /Content-Security-Policy" content="default-src (&#39;|')none/);
    }
  });

  test("it opens without an error and is as wide as the screen, also a phone's", { skip: withoutBrowser }, async () => {
    const browser = await openBrowser();
    try {
      for (const page of Object.values(pages))
        for (const width of [1280, 390]) {
          const opened = await browser.newPage({ viewport: { width, height: 800 } });
          const trouble: string[] = [];
          opened.on("pageerror", (e) => trouble.push(String(e)));
          opened.on("console", (m) => m.type() === "error" && trouble.push(m.text()));
          await opened.goto(pathToFileURL(page).href);
          assert.deepEqual(trouble, []);
          const wide = await opened.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${page}: ${wide} of ${width}`);
          const broken = await opened.evaluate(
            () => Array.from(document.images).filter((image) => image.naturalWidth === 0).length,
          );
          assert.equal(broken, 0);
        }
    } finally {
      await browser.close();
    }
  });

  test("pictures of each class and part, of both duplicates, of a stretched image before and after", {
    skip: withoutBrowser,
  }, async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(pages.photos as string).href);
      const counts = await page
        .locator("#examples tbody tr")
        .evaluateAll((rows) =>
          rows.map((row) => Array.from(row.querySelectorAll("td"), (cell) => cell.querySelectorAll("img").length)),
        );
      assert.deepEqual(counts, [
        [4, 2, 4],
        [4, 2, 4],
      ]);
      const pairs = await page.locator("#findings figure").evaluateAll((figures) =>
        figures.map((f) => ({
          caption: f.querySelector("figcaption")?.textContent ?? "",
          sizes: Array.from(f.querySelectorAll("img"), (i) => [i.naturalWidth, i.naturalHeight]),
        })),
      );
      const [copies, stretched] = pairs;
      assert.equal(pairs.length, 2);
      assert.match(copies?.caption ?? "", /train\/a\/3\.png \(a\) and test\/a\/again\.png \(a\)/);
      assert.deepEqual(copies?.sizes, [
        [16, 16],
        [16, 16],
      ]);
      assert.match(stretched?.caption ?? "", /train\/b\/0\.png: 90 wide, 20 high/);
      assert.deepEqual(stretched?.sizes, [
        [72, 16],
        [16, 16],
      ]);
    } finally {
      await browser.close();
    }
  });
});

describe("before a run", () => {
  const train = ["--set", "training={epochs: 1}", "--set", "student={kind: mlp, hidden: [4]}"];

  test("the digits' line comes once and before everything else, also for a strategy of several runs", async () => {
    const made = await limbeck([
      "distill",
      DIGITS,
      ...SMALL,
      "--set",
      "strategy={kind: born-again, generations: 2}",
      "--set",
      "seeds=1",
      "--out",
      at("again"),
    ]);
    assert.equal(made.code, 0, made.stderr);
    const lines = made.stderr.split("\n");
    assert.equal(lines[0], "data: digits, 1,797 samples of 1x8x8 (1,069 train, 189 validation, 539 test), 10 classes");
    assert.equal(lines.filter((l) => l.includes("data: digits")).length, 1);
    const summary = JSON.parse(readFileSync(at("again/summary.json"), "utf8"));
    assert.deepEqual(summary.data.audit.findings, []);
    assert.equal(summary.data.audit.samples, 1797);
  });

  test("a training says what looks wrong and keeps it in summary.json; --quiet shows warnings alone", async () => {
    const made = await limbeck(["train", "visits.yaml", ...train, "--out", "loud"], { cwd: folder });
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /^data: table visits\.csv, 300 samples of 4 features/);
    assert.match(made.stderr, /\n {2}warning: The column "id" numbers the rows/);
    const { data } = JSON.parse(readFileSync(at("loud/summary.json"), "utf8")) as { data: { audit: DataAudit } };
    assert.ok(codes(data.audit).includes("index-column"));
    const quiet = await limbeck(["train", "visits.yaml", ...train, "--out", "quiet", "--quiet"], { cwd: folder });
    assert.match(quiet.stderr, /^warning: /);
    assert.doesNotMatch(quiet.stderr, /data: table/);
  });

  test("a sweep, a labelling and a doctor say it too", async () => {
    const teacher = ["--set", "teacher={model: {kind: mlp, hidden: [4]}, training: {epochs: 1}}"];
    const swept = await limbeck(
      ["sweep", "visits.yaml", ...train, ...teacher, "--grid", "objective.alpha=0.5", "--out", "sweep", "--json"],
      { cwd: folder },
    );
    assert.equal(swept.code, 0, swept.stderr);
    assert.ok(codes(JSON.parse(swept.stdout).audit).includes("index-column"));
    assert.match(readFileSync(at("sweep/report.html"), "utf8"), /id="data".*index-column/s);
    const labelled = await limbeck(["label", "visits.yaml", ...train, ...teacher, "--out", "labels", "--json"], {
      cwd: folder,
    });
    assert.equal(labelled.code, 0, labelled.stderr);
    assert.ok(codes(JSON.parse(labelled.stdout).audit).includes("index-column"));
    const doctor = await limbeck(["doctor", "visits.yaml", ...train, ...teacher, "--quick", "--json"], { cwd: folder });
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; status: string; found: string }[] };
    const said = findings.filter((f) => f.check === "data");
    assert.deepEqual(
      said.map((f) => f.found),
      (JSON.parse(labelled.stdout).audit as DataAudit).findings.map((f) => f.text),
    );
    assert.ok(said.every((f) => f.status === "warn"));
  });
});
