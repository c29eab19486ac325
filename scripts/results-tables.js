// The tables of docs/results.md, each from the figures of a run, and whether the run confirms its paper's claims.
import { meanInterval } from "../dist/learn/evaluate/interval.js";
import { percentValue } from "../dist/learn/report/format.js";

/** The table of one run, and whether it confirms the claims of its paper. */
export function tableOf(run) {
  if (run.rows) return heatTable(run);
  if (run.hops) return chainTable(run);
  return run.models.some((m) => m.omitted) ? omittedTable(run) : table(run);
}

const signed = (v) => `${v > 0 ? "+" : ""}${v.toFixed(1)}`.replace(/^[+-]0\.0$/, "0.0");
const share = (a) => (a ? percentValue(a) : "");

function table(run) {
  const { models, comparisons, counts } = run;
  const reference = models.find((m) => m.role === "student" && m.variant === "");
  const students = models.filter((m) => m.role === "student");
  const teacher = models.find((m) => m.role === "teacher");
  const baseline = models.find((m) => m.role === "baseline");
  // Students that learn together have their own names.
  const title = (m) => m.variant || (teacher ? firstTitle(run) : m.name);
  const lines = students.map((m) => {
    const c = comparisons.find((x) => x.student === m.name);
    const own = c?.points === undefined ? "" : `${signed(c.points)} (${signed(c.low)} to ${signed(c.high)})`;
    const rival = m === reference ? null : paired(m, reference);
    return {
      accuracy: m.accuracy.mean,
      text: `| ${title(m)} | ${share(m.accuracy)} | ${own} | ${c?.verdict ?? ""} | ${rival ? `${signed(rival.mean)} (${signed(rival.low)} to ${signed(rival.high)})` : ""} | ${share(m.agreement)} | ${m.softKL?.mean.toFixed(3) ?? ""} | ${m.ece?.mean.toFixed(3) ?? ""} |`,
    };
  });
  lines.sort((a, b) => b.accuracy - a.accuracy);
  return [
    `${teacher ? `Teacher ${share(teacher.accuracy)} %; baseline` : "Baseline"} (labels alone) ${share(baseline?.accuracy)} %; ${baseline?.seeds.length} seeds, ${counts.test.toLocaleString("en-US")} test images.`,
    machine(run),
    "",
    `| student | accuracy (%) | difference from labels alone (95 % CI) | verdict | difference from ${firstTitle(run)} (95 % CI) | agreement (%) | soft KL | ECE |`,
    "|---|---|---|---|---|---|---|---|",
    ...lines.map((l) => l.text),
    "",
    ...claimList(claims(run, reference, students)),
    "",
  ].join("\n");
}

const machine = ({ limbeck, environment: env, durationSeconds }) =>
  `limbeck ${limbeck}, ONNX Runtime ${env["onnxruntime-node"]}, Node ${env.node}, ${env.cpu} (${env.cores} cores), ${minutes(durationSeconds)} on a shared machine.`;

function minutes(seconds) {
  const n = Math.max(1, Math.round(seconds / 60));
  return `${n} ${n === 1 ? "minute" : "minutes"}`;
}

/** A strategy of several runs: its models in order, its comparisons, and the time of each hop. */
function chainTable(run) {
  const { models, comparisons, hops, counts, robustness } = run;
  const seconds = (name) => {
    const found = hops.find((h) => h.title === name);
    return found ? `${found.seconds} s` : "";
  };
  const corrupted = (name) => {
    if (!robustness) return "";
    const found = robustness.find((r) => r.id === name);
    return ` ${found ? (100 * found.error).toFixed(1) : ""} | ${found?.mCE?.toFixed(2) ?? ""} |`;
  };
  const seeds = Math.max(...models.map((m) => m.seeds.length));
  const verdicts = comparisons.filter((c) => c.baseline !== null && c.points !== undefined);
  return [
    `${seeds} seeds, ${counts.test.toLocaleString("en-US")} test images.`,
    machine(run),
    "",
    `| model | parameters | accuracy (%) | agreement (%) | soft KL | ECE | hop time |${robustness ? " error under corruptions (%) | mCE |" : ""}`,
    `|---|---|---|---|---|---|---|${robustness ? "---|---|" : ""}`,
    ...models.map(
      (m) =>
        `| ${m.name} | ${m.parameters?.toLocaleString("en-US") ?? ""} | ${share(m.accuracy)} | ${share(m.agreement)} | ${m.softKL?.mean.toFixed(3) ?? ""} | ${m.ece?.mean.toFixed(3) ?? ""} | ${seconds(m.name)} |${corrupted(m.name)}`,
    ),
    "",
    "| comparison | difference (95 % CI) | verdict |",
    "|---|---|---|",
    ...verdicts.map(
      (c) =>
        `| ${c.student} vs. ${c.baseline} | ${signed(c.points)} (${signed(c.low)} to ${signed(c.high)}) | ${c.verdict} |`,
    ),
    "",
    ...claimList(chainClaims(run)),
    ...(run.kind === "ladder" ? ladderClaims(run) : []),
    "",
  ].join("\n");
}

/** The smallest distilled student that is measurably better than the largest network trained on labels alone. */
function ladderClaims({ models }) {
  const bySize = (role) => models.filter((m) => m.role === role).sort((a, b) => a.parameters - b.parameters);
  const largest = bySize("baseline").at(-1);
  const smallest = bySize("student").find((m) => paired(m, largest).low > 0);
  if (!smallest) return [`- No distilled student is measurably better than the largest baseline.`];
  const { mean, low, high } = paired(smallest, largest);
  const count = (m) => `${m.parameters.toLocaleString("en-US")} parameters`;
  return [
    `- The smallest student that beats the largest baseline (${count(largest)}) has ${count(smallest)}: ${signed(mean)} points (${signed(low)} to ${signed(high)}).`,
  ];
}

function chainClaims({ name, comparisons }) {
  return (CHAIN_CLAIMS[name] ?? []).flatMap(([title, claim, alike]) => {
    const found = comparisons.find((c) => c.variant.replace("the same ", "") === title);
    if (found?.verdict === undefined) return [];
    const none = alike ? SAME : NO_DIFFERENCE;
    const differs = alike ? DIFFERS : VERDICTS[found.verdict];
    return [`- ${claim}: ${found.verdict === "helped" || found.verdict === "harmed" ? differs : none}.`];
  });
}

const TITLES = {
  "few-labels": "kd T 4",
  features: "kd T 4 alpha 0.9",
  "all-labels": "kd T 4",
  patience: "kd T 4",
  "several-teachers": "two, mean of probabilities",
  "labels-3": "soft targets, the same images",
  transformers: "kd T 4 alpha 0.9",
  omitted: "no dress (3)",
};
const firstTitle = (run) => TITLES[run.name] ?? "student";

/** Students that never saw some classes, before and after their biases are corrected, each above its baseline. */
function omittedTable(run) {
  const { models, counts } = run;
  const teacher = models.find((m) => m.role === "teacher");
  const title = (m) => `${m.variant || firstTitle(run)}: ${m.role === "student" ? "student" : "labels alone"}`;
  const lines = models
    .filter((m) => m.role !== "teacher")
    .map((m) => {
      const { correction, accuracy: omitted } = m.omitted ?? {};
      const before = correction?.before;
      const cells = [
        before ? share(before.accuracy) : share(m.accuracy),
        before ? share(before.omitted) : share(omitted),
        correction ? signed(correction.offset.mean) : "",
        correction ? share(m.accuracy) : "",
        correction ? share(omitted) : "",
      ];
      return `| ${title(m)} | ${cells.join(" | ")} |`;
    });
  return [
    `Teacher ${share(teacher?.accuracy)} %; ${models.find((m) => m.role === "student")?.seeds.length} seeds, ${counts.test.toLocaleString("en-US")} test images.`,
    machine(run),
    "",
    "| transfer set | accuracy (%) | on omitted classes (%) | offset | accuracy with offset (%) | on omitted classes with offset (%) |",
    "|---|---|---|---|---|---|",
    ...lines,
    "",
    ...claimList(omittedClaims(models, run)),
    "",
  ].join("\n");
}

/** Hinton 2015, section 3: 98.6 % of the threes correct without having seen one; 13.2 % errors after sevens and eights alone. */
function omittedClaims(models, run) {
  const shareOf = (value) => `${(100 * value.mean).toFixed(1)} %`;
  return models
    .filter((m) => m.role === "student" && m.omitted?.correction)
    .map((m) => {
      const { accuracy, correction } = m.omitted;
      const { before } = correction;
      const gained = accuracy.mean - before.omitted.mean;
      const baseline = models.find((b) => b.role === "baseline" && b.variant === m.variant)?.omitted;
      const beside = baseline?.accuracy ? ` (labels alone: ${shareOf(baseline.accuracy)})` : "";
      const verdict = accuracy.low > before.omitted.high ? HELD : gained > 0 ? NO_DIFFERENCE : OPPOSITE;
      return `- ${m.variant || firstTitle(run)}: with the right bias, a student recognises classes it never saw (Hinton 2015): ${verdict}. Accuracy on them: ${shareOf(before.omitted)} before, ${shareOf(accuracy)} after${beside}.`;
    });
}

const T = "objective.distillation_loss.temperature";
const ALPHA = "objective.alpha";

/** Validation accuracy by temperature (rows) and alpha (columns). Alpha 0 is labels alone at any temperature. */
function heatTable(run) {
  const valuesOf = (path) => run.fields.find((f) => f.path === path).values;
  const at = (t, a) => run.rows.find((r) => r.values[T] === t && r.values[ALPHA] === a);
  const alphas = valuesOf(ALPHA);
  const best = Math.max(...run.rows.map((r) => r.score?.mean ?? 0));
  const cell = (row) => {
    if (!row?.score) return "failed";
    return row.score.mean === best ? `**${share(row.score)}**` : share(row.score);
  };
  return [
    `Validation accuracy in %, ${run.seeds.length} seeds, ${run.validationSamples.toLocaleString("en-US")} validation images, none used for training.`,
    `limbeck ${run.limbeck}, ${minutes(run.durationSeconds)} on a shared machine.`,
    "",
    `| T | ${alphas.map((a) => (a === 0 ? "labels alone" : `alpha ${a}`)).join(" | ")} |`,
    `|---|${alphas.map(() => "---|").join("")}`,
    ...valuesOf(T).map((t) => `| ${t} | ${alphas.map((a) => cell(at(t, a))).join(" | ")} |`),
    "",
    ...heatClaims(run, valuesOf(T), Math.max(...alphas), at),
    "",
  ].join("\n");
}

/** Hinton 2015, section 3: T 2.5 to 4 is best for few units; above 8, T makes no difference for many. At the largest alpha. */
function heatClaims(run, temperatures, alpha, at) {
  const scored = temperatures.map((t) => ({ t, row: at(t, alpha) })).filter(({ row }) => row?.score);
  const top = scored.reduce((a, b) => (b.row.score.mean > a.row.score.mean ? b : a));
  const against = (a, b) => {
    const d = paired(at(a, alpha), at(b, alpha));
    return { ...d, text: `${signed(d.mean)} points (${signed(d.low)} to ${signed(d.high)})` };
  };
  const lines = [`- At alpha ${alpha}, the best temperature is ${top.t}.`];
  if (run.name === "temperature-30") {
    const d = against(4, 20);
    lines.push(`- With few units, a T near 4 beats a high one (Hinton 2015): ${held(d)}. T 4 vs. T 20: ${d.text}.`);
  } else {
    const d = against(8, 20);
    const alike = d.low <= 0 && d.high >= 0;
    lines.push(
      `- With many units, every T from 8 upwards works equally well (Hinton 2015): ${alike ? SAME : DIFFERS}. T 8 vs. T 20: ${d.text}.`,
    );
  }
  return lines;
}

/** Claims with their heading; nothing without claims. */
const claimList = (lines) =>
  lines.length > 0 ? ["Claims from the papers, checked by this run:", "", ...lines] : lines;

/** Mean difference of two models over their common seeds with its 95 % t interval, in percentage points. */
function paired(a, b) {
  const differences = a.seeds.flatMap((s) => {
    const other = b.seeds.find((x) => x.seed === s.seed);
    return other ? [100 * (s.accuracy - other.accuracy)] : [];
  });
  return meanInterval(differences);
}

/** What each paper claims relative to the recipe's first student: variant, claim, and -1 if the claim is that it loses. */
const CLAIMS = {
  "few-labels": [
    ["standardised kd", "logit standardisation (Sun 2024) improves kd"],
    ["dkd", "dkd (Zhao 2022) beats kd"],
    ["nkd", "nkd (Yang 2023) beats kd"],
    ["dist", "dist (Huang 2022) beats kd"],
    ["kd T 1", "a raised temperature (Hinton 2015) beats T 1", -1],
  ],
  features: [
    ["fitnet", "fitnet (Romero 2015) beats kd"],
    ["attention", "attention (Zagoruyko 2017) beats kd"],
    ["similarity", "similarity (Tung 2019) beats kd"],
    ["rkd", "rkd (Park 2019) beats kd"],
    ["pkt", "pkt (Passalis 2018) beats kd"],
    ["fsp", "fsp (Yim 2017) beats kd"],
    ["vid", "vid (Ahn 2019) beats kd"],
    ["review", "review (Chen 2021) beats kd"],
    ["crd", "crd (Tian 2020) beats kd"],
    ["simkd", "simkd (Chen 2022) beats kd"],
  ],
  "all-labels": [
    ["label smoothing 0.1", "distillation beats label smoothing (Yuan 2020)", -1],
    ["kd T 1", "a raised temperature (Hinton 2015) beats T 1", -1],
    ["kd T 4, no labels", "labels improve on the teacher's answers alone (Hinton 2015)", -1],
  ],
  patience: [["kd T 1", "a raised temperature (Hinton 2015) beats T 1", -1]],
  transformers: [
    ["hidden", "hidden states (Jiao 2020) beat kd"],
    ["attention-map", "attention matrices (Jiao 2020) beat kd"],
    ["hidden and attention-map with kd T 1", "both combined with kd beat kd (Jiao 2020)"],
  ],
  "several-teachers": [
    ["one", "two teachers beat one", -1],
    ["four, mean of probabilities", "four teachers beat two"],
    ["two, mean of losses", "a mean of losses beats a mean of probabilities"],
    ["two, by confidence", "weights by confidence (CA-MKD, Zhang 2022) beat equal ones"],
  ],
  "labels-3": [
    [
      "soft targets, all images",
      "the teacher's answers to all images are worth more than those to the labelled images",
    ],
  ],
};

/** For strategies: the comparison's title, the paper's claim, and true if the claim is that both are equally good. */
const CHAIN_CLAIMS = {
  "teacher-free": [
    ["label smoothing", "label smoothing beats plain labels (Yuan 2020)"],
    ["virtual teacher", "a virtual teacher beats labels alone (Tf-KD_reg, Yuan 2020)"],
    ["self-taught", "a copy of the student is a useful teacher (Tf-KD_self, Yuan 2020)"],
    ["distilled vs. virtual teacher", "a virtual teacher is as good as a real one (Yuan 2020)", true],
  ],
  assistants: [
    [
      "student vs. direct distillation",
      "an assistant between teacher and student beats direct distillation (Mirzadeh 2020)",
    ],
  ],
  "born-again": [
    ["", "a teacher of the same architecture beats labels alone (Furlanello 2018)"],
    ["generation 3 vs. generation 1", "later generations beat the first (Furlanello 2018)"],
    ["ensemble of 3 generations vs. generation 3", "the ensemble of generations beats the last (Furlanello 2018)"],
  ],
  "noisy-student": [
    ["", "the noisy student beats labels alone (Xie 2020)"],
    ["round 3 vs. round 1", "later rounds beat the first (Xie 2020)"],
    ["round 1 vs. without input noise", "input noise helps (Xie 2020)"],
    ["round 1 vs. without model noise", "model noise helps (Xie 2020)"],
    ["round 1 vs. with a noised teacher", "the teacher should see clean samples (Xie 2020)"],
    ["round 1 vs. with hard labels", "soft pseudo-labels are at least as good as hard ones (Xie 2020)"],
    ["round 1 vs. without the filter", "filtering helps (Xie 2020)"],
    ["round 1 vs. without balancing", "balancing helps (Xie 2020)"],
  ],
  consistent: [
    ["replayed vs. online", "replayed labels are as good as online ones (Shen 2022)", true],
    ["replayed vs. clean", "answers for exactly the student's view beat answers for the unchanged image (Beyer 2022)"],
  ],
};

/** Claims about the first student relative to labels alone, judged by the run's own verdict. */
const AGAINST_LABELS = {
  patience: "with ten times the steps, distillation helps (Beyer 2022: be patient)",
  "all-labels": "with every label, distillation still helps (Hinton 2015)",
  "labels-3": "soft targets on 3 % of the data beat hard targets with early stopping (Hinton 2015)",
};

/** What a run says about a claim. */
const HELD = "confirmed";
const OPPOSITE = "the opposite was measured";
const NO_DIFFERENCE = "no measurable difference";
/** What a run says about a claim that two are equally good. */
const SAME = "consistent, no measurable difference";
const DIFFERS = "not confirmed";

const held = ({ mean, low, high }, sign = 1) => (low * high <= 0 ? NO_DIFFERENCE : sign * mean > 0 ? HELD : OPPOSITE);

const VERDICTS = { helped: HELD, harmed: OPPOSITE };

function claims(run, reference, students) {
  const lines = (CLAIMS[run.name] ?? []).flatMap(([variant, claim, sign]) => {
    const found = students.find((m) => m.variant === variant);
    return found ? [`- ${claim}: ${held(paired(found, reference), sign)}.`] : [];
  });
  const first = AGAINST_LABELS[run.name];
  const verdict = run.comparisons.find((c) => c.student === reference.name)?.verdict;
  return first ? [`- ${first}: ${VERDICTS[verdict] ?? NO_DIFFERENCE}.`, ...lines] : lines;
}
