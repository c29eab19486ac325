/** report.html: self-contained, its figures are the summary's, what it says of users' text is escaped, its slider softens. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { distill, type Summary } from "../../../src/index.js";
import { renderReport } from "../../../src/learn/report/html.js";
import { formatTable } from "../../../src/learn/report/terminal.js";
import { openBrowser, withoutBrowser } from "../../support/browser.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-report-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const { summary, report, directory } = await distill(
  {
    name: "report",
    seeds: 2,
    data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
    teacher: { model: { kind: "mlp", hidden: [32] }, training: { epochs: 3, batch: 32 } },
    student: { kind: "mlp", hidden: [6] },
    training: { steps: 150, batch: 32 },
    objective: { alpha: 0.9, distillation_loss: { kind: "kd", temperature: 3 } },
    transfer: { labelled: 200, samples: "labelled" },
  },
  { out: join(folder, "run"), threads: 1 },
);
const html = readFileSync(report, "utf8");

/** Opens a file, keeps every error of the page and every request it makes beyond itself. */
async function open(file: string, look: (page: Page) => Promise<void>): Promise<void> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const trouble: string[] = [];
    page.on("pageerror", (e) => trouble.push(String(e)));
    page.on("console", (m) => m.type() === "error" && trouble.push(m.text()));
    page.on("dialog", async (d) => {
      trouble.push(`dialog ${d.message()}`);
      await d.dismiss();
    });
    page.on("request", (r) => {
      if (r.url() !== pathToFileURL(file).href && !r.url().startsWith("data:")) trouble.push(`request ${r.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    await look(page);
    assert.deepEqual(trouble, []);
  } finally {
    await browser.close();
  }
}

test("of two seeds the table shows both accuracies, and the summary keeps the interval", () => {
  const row = summary.models.find((m) => m.role === "student");
  const accuracies = (row?.seeds ?? []).map((s) => 100 * (s.accuracy as number)).sort((a, b) => a - b);
  assert.equal(accuracies.length, 2);
  const [low, high] = accuracies.map((a) => a.toFixed(1));
  assert.ok(html.includes(`<small>(${low}–${high})</small>`), `${low} to ${high}`);
  assert.ok(formatTable(summary, { color: false }).includes(` % (${low}–${high})`));
  assert.ok(
    ((row?.accuracy?.high ?? 0) - (row?.accuracy?.low ?? 0)) * 100 >
      (accuracies[1] as number) - (accuracies[0] as number),
  );
});

test("nothing in it is fetched", () => {
  const references = [...html.matchAll(/\b(?:src|href|xlink:href|action|poster)="([^"]*)"/g)].map(
    (m) => m[1] as string,
  );
  assert.ok(references.length > 5);
  for (const reference of references) assert.match(reference, /^(#|data:image\/png;base64,)/);
  assert.doesNotMatch(html, /@import|url\((?!#)/);
  assert.match(html, /Content-Security-Policy" content="default-src (&#39;|')none/);
});

test("the comparison's figures are the summary's, recomputed here", { skip: withoutBrowser }, async () => {
  await open(report, async (page) => {
    const table = await page
      .locator("#comparison table")
      .evaluate((t) =>
        Array.from((t as HTMLTableElement).rows, (r) =>
          Array.from(r.cells, (c) => (c.textContent ?? "").replace(/\s+/g, " ").trim()),
        ),
      );
    const [head, ...rows] = table;
    assert.deepEqual(
      rows.map((r) => r.length),
      summary.models.map(() => head?.length),
    );
    const at = (name: string): number => (head ?? []).findIndex((h) => h.startsWith(name));
    for (const [i, model] of summary.models.entries()) {
      const row = rows[i] as string[];
      assert.ok(row[0]?.startsWith(model.name), row[0]);
      assert.equal(row[at("Parameters")], model.parameters?.toLocaleString("en"));
      const mean = model.seeds.reduce((a, s) => a + (s.accuracy as number), 0) / model.seeds.length;
      assert.ok(row[at("Accuracy")]?.startsWith((100 * mean).toFixed(1)), `${row[at("Accuracy")]} for ${mean}`);
      if (model.agreement) assert.ok(row[at("Agreement")]?.startsWith((100 * model.agreement.mean).toFixed(1)));
      if (model.softKL) assert.ok(row[at("Soft KL")]?.startsWith(model.softKL.mean.toFixed(3)));
      assert.ok(row[at("ECE")]?.startsWith((model.ece?.mean as number).toFixed(3)));
    }
    const text = await page.locator("main").innerText();
    for (const { sentence } of summary.comparisons) assert.ok(text.includes(sentence), sentence);
  });
});

test("the bars of a sample start and end together, whatever their names: lengths compare", {
  skip: withoutBrowser,
}, async () => {
  await open(report, async (page) => {
    const tracks = await page.locator("[data-sample]").evaluateAll((cards) =>
      cards.map((card) =>
        Array.from(card.querySelectorAll(".track"), (track) => {
          const { left, width } = track.getBoundingClientRect();
          return `${left.toFixed(1)} ${width.toFixed(1)}`;
        }),
      ),
    );
    assert.ok(tracks.length > 0);
    for (const card of tracks) assert.equal(new Set(card).size, 1, card.join("; "));
  });
});

test("the slider softens by the formula: softmax(z / T)", { skip: withoutBrowser }, async () => {
  const dark = summary.darkKnowledge;
  assert.ok(dark);
  assert.equal(dark.temperature, 3);
  const softened = (z: readonly number[], t: number): number[] => {
    const e = z.map((v) => Math.exp((v - Math.max(...z)) / t));
    return e.map((v) => v / e.reduce((a, b) => a + b, 0));
  };
  await open(report, async (page) => {
    const bars = () =>
      page
        .locator("[data-sample]")
        .evaluateAll((cards) =>
          cards.map((card) =>
            Array.from(card.querySelectorAll("[data-bar]"), (row) => [
              Number.parseFloat((row.querySelector(".of-teacher") as HTMLElement).style.width),
              Number.parseFloat((row.querySelector(".of-student") as HTMLElement).style.width),
            ]),
          ),
        );
    const holds = async (t: number): Promise<void> => {
      const drawn = await bars();
      assert.equal(drawn.length, dark.samples.length);
      for (const [i, sample] of dark.samples.entries()) {
        const [teacher, student] = [softened(sample.teacherLogits, t), softened(sample.studentLogits, t)];
        drawn[i]?.forEach(([a, b], c) => {
          assert.ok(Math.abs((a as number) - 100 * (teacher[c] as number)) < 1e-3, `T ${t}, sample ${i}, class ${c}`);
          assert.ok(Math.abs((b as number) - 100 * (student[c] as number)) < 1e-3, `T ${t}, sample ${i}, class ${c}`);
        });
      }
    };
    await holds(3);
    await page.click('[data-temperature="20"]');
    await holds(20);
    assert.equal(await page.locator("#temperature-value").innerText(), "20");
    // Half of the slider's way from 0.5 to 32, on a log scale, is 4.
    await page.locator("#temperature").fill("50");
    await holds(4);
  });
});

const EVIL = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&</style></script>`;

test("users' words are text, wherever they stand", { skip: withoutBrowser }, async () => {
  const classes = summary.data.classes.map((c) => `${c}${EVIL}`);
  const hostile: Summary = {
    ...summary,
    name: EVIL,
    description: EVIL,
    command: EVIL,
    recipe: { name: EVIL, [EVIL]: [EVIL] },
    data: { ...summary.data, name: EVIL, origin: EVIL, classes, notes: [EVIL] },
    models: summary.models.map((m) => ({
      ...m,
      name: `${m.name} ${EVIL}`,
      architecture: EVIL,
      trainedOn: EVIL,
      perClass: m.perClass.map((c, i) => ({ ...c, class: classes[i] as string })),
      seeds: m.seeds.map((s) => ({ ...s, selection: EVIL })),
    })),
    comparisons: summary.comparisons.map((c) => ({ ...c, sentence: EVIL, advice: EVIL })),
    darkKnowledge: summary.darkKnowledge && {
      ...summary.darkKnowledge,
      samples: summary.darkKnowledge.samples.map((s) => ({ ...s, label: classes[0] as string })),
    },
    notes: [EVIL],
    warnings: [EVIL],
    files: { [EVIL]: EVIL },
  };
  const file = join(folder, "hostile.html");
  writeFileSync(file, await renderReport(hostile));
  await open(file, async (page) => {
    assert.equal(await page.locator("h1").innerText(), EVIL);
    assert.equal(await page.locator("img[src='x']").count(), 0);
    assert.equal(await page.locator("script").count(), 2, "the slider and its data");
    const text = await page.locator("main").innerText();
    assert.ok(text.split(EVIL).length > 10);
  });
});

test("a summary with less in it still makes a report: no labels, no baseline, one seed", async () => {
  const bare: Summary = {
    ...summary,
    models: summary.models
      .filter((m) => m.role !== "baseline")
      .map((m) => ({
        ...m,
        accuracy: null,
        topK: null,
        nll: null,
        ece: null,
        perClass: [],
        confusion: [],
        curves: [],
        gradientShares: [],
        latency: null,
        seeds: m.seeds.slice(0, 1).map((s) => ({ ...s, accuracy: null, topK: null, nll: null, ece: null })),
      })),
    comparisons: summary.comparisons.map(({ student, teacher }) => ({
      student,
      teacher,
      baseline: null,
      sentence: "No labels, so no verdict.",
    })),
    darkKnowledge: null,
  };
  const text = await renderReport(bare);
  assert.match(text, /No labels, so no verdict\./);
  assert.doesNotMatch(text, /undefined|NaN|\[object/);
  assert.doesNotMatch(formatTable(bare, { color: false }), /undefined|NaN|accuracy/);
});

test("summary.json holds the summary, and the terminal's table its figures", () => {
  const stored = JSON.parse(readFileSync(join(directory, "summary.json"), "utf8"));
  assert.deepEqual(stored, JSON.parse(JSON.stringify(summary)));
  const lines = formatTable(summary, { color: false }).split("\n");
  assert.match(lines[0] as string, /^model +parameters +file +accuracy +agreement +soft KL +ECE +latency$/);
  for (const [i, model] of summary.models.entries()) {
    const line = lines[i + 1] as string;
    assert.ok(line.startsWith(model.name), line);
    assert.ok(line.includes((100 * (model.accuracy?.mean as number)).toFixed(1)), line);
  }
  assert.ok(lines.some((l) => l === summary.comparisons[0]?.sentence));
  assert.doesNotMatch(html, /undefined|NaN|\[object/);
});

test("on a telephone the table of classes fits, long names included", { skip: withoutBrowser }, async () => {
  const names = ["T-shirt/top", "Ankle boot with laces", ..."abcdefgh"];
  const renamed: Summary = {
    ...summary,
    models: summary.models.map((m) => ({
      ...m,
      perClass: m.perClass.map((row, c) => ({ ...row, class: names[c] as string, recall: 1, support: 10_000 })),
    })),
  };
  const file = join(folder, "telephone.html");
  writeFileSync(file, await renderReport(renamed));
  await open(file, async (page) => {
    await page.setViewportSize({ width: 390, height: 800 });
    const found = await page.evaluate(`(() => {
      const table = [...document.querySelectorAll("#classes details")].find((d) => d.querySelector("table"));
      table.setAttribute("open", "");
      const box = table.querySelector(".scroll");
      return {
        columns: box.querySelectorAll("thead th").length,
        rows: box.querySelectorAll("tbody tr").length,
        hidden: box.scrollWidth - box.clientWidth,
        page: document.documentElement.scrollWidth,
      };
    })()`);
    assert.deepEqual(found, { columns: 7, rows: 10, hidden: 0, page: 390 });
  });
});

test("on a telephone no figure of the tables of models is cut off", { skip: withoutBrowser }, async () => {
  await open(report, async (page) => {
    await page.setViewportSize({ width: 390, height: 800 });
    // The page's own types are not known here: it is asked in words.
    const found = (await page.evaluate(`(() => {
      const cells = [...document.querySelectorAll("table.stack td")];
      return {
        page: document.documentElement.scrollWidth,
        outside: cells.filter((c) => c.getBoundingClientRect().right > 390).map((c) => c.textContent),
        unlabelled: cells.filter((c) => !getComputedStyle(c, "::before").content.startsWith('"')).length,
        models: document.querySelectorAll("#comparison table.stack tbody tr").length,
      };
    })()`)) as { page: number; outside: string[]; unlabelled: number; models: number };
    assert.deepEqual(found, { page: 390, outside: [], unlabelled: 0, models: summary.models.length });
  });
});

test("a strategy's comparisons say what stands beside what, its curves who is who, its figures who leaves", async () => {
  const [teacher, student, baseline] = ["teacher", "student", "baseline"].map((role) => {
    const row = summary.models.find((m) => m.role === role);
    assert.ok(row);
    return row;
  });
  assert.ok(teacher && student && baseline);
  const rival = { ...student, id: "calm", name: "calm", accuracy: { mean: 0.4321, low: null, high: null, n: 1 } };
  const hop = {
    folder: "hops/1",
    teacher: teacher.id,
    baseline: null,
    verdict: null,
    points: null,
    low: null,
    high: null,
  };
  const [own] = summary.comparisons;
  assert.ok(own);
  const sentence =
    "Student instead of calm: +1.0 points of test accuracy (95 % interval 0.5 to 1.5, two seeds), helped.";
  const chain: Summary = {
    ...summary,
    models: [teacher, student, baseline, rival],
    comparisons: [own, { ...own, variant: "student against calm", baseline: "calm", sentence }],
    strategy: {
      kind: "noisy-student",
      hops: ["student", "calm"].map((title) => ({ ...hop, title, student: title, seconds: 1 })),
      delivered: { hop: "calm", reason: "it is best" },
    },
  };
  const text = formatTable(chain, { color: false });
  assert.match(text, /^student vs\. its baseline: Distillation /m);
  assert.match(text, /^Student instead of calm: /m);
  const page = await renderReport(chain);
  assert.match(page, /<dt>test accuracy of calm \(teacher [\d.]+ %\)<\/dt><dd>43\.2 %<\/dd>/);
  assert.match(page, /first minus second/);
  const legend = page.match(
    /Validation accuracy: student against calm<\/strong><span class="legend">(.*?)<\/figcaption>/,
  )?.[1];
  assert.match(legend ?? "", /--student\)"><\/i>student.*--third\)"><\/i>calm/);
});

test("a model that was validated once has no curve, and is named", async () => {
  const models = summary.models.map((m) =>
    m.role === "teacher" ? { ...m, curves: m.curves.map((c) => ({ ...c, points: c.points.slice(-1) })) } : m,
  );
  const page = await renderReport({ ...summary, models });
  assert.ok(html.includes("Validation accuracy: teacher"));
  assert.ok(!page.includes("Validation accuracy: teacher"));
  assert.match(page, /<p class="lead">[^<]*: teacher\./);
});
