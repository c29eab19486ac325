/** How models do on classes that their transfer set lacked, before and after the correction of their biases. */
import { signed } from "../evaluate/sentence.js";
import type { ModelRow, OmittedScores, Summary } from "../evaluate/summary.js";
import { namesOf } from "../../base/names.js";
import { COLOR } from "./charts.js";
import { NONE, percent, percentValue } from "./format.js";
import { type Markup, markup } from "./markup.js";

type Lacking = ModelRow & { readonly omitted: OmittedScores };

const lacking = ({ models }: Summary): Lacking[] => models.filter((m): m is Lacking => m.omitted !== undefined);

const offsetSaid = (omitted: OmittedScores): string =>
  omitted.correction ? `${signed(omitted.correction.offset.mean, 2)} on ${namesOf(omitted.correction.classes)}` : NONE;

/** A table of them; null where every model saw every class. */
export function omittedSection(summary: Summary): Markup | null {
  const rows = lacking(summary);
  if (rows.length === 0) return null;
  const line = (m: Lacking): Markup => {
    const before = m.omitted.correction?.before;
    return markup`<tr><th scope="row"><i class="dot" style="background:${COLOR[m.role]}"></i>${m.name}</th><td class="text" data-label="Omitted">${namesOf(m.omitted.classes)}</td><td data-label="Bias correction">${offsetSaid(m.omitted)}</td><td data-label="Accuracy before, %">${before ? percentValue(before.accuracy) : NONE}</td><td data-label="Accuracy, %">${percentValue(m.accuracy)}</td><td data-label="Omitted classes before, %">${before ? percentValue(before.omitted) : NONE}</td><td data-label="Omitted classes, %">${percentValue(m.omitted.accuracy)}</td></tr>`;
  };
  return markup`<section id="omitted"><h2>Omitted classes</h2>
<div class="scroll" tabindex="0"><table class="stack"><thead><tr><th scope="col">Model</th><th scope="col" class="text">Omitted</th><th scope="col">Bias correction</th><th scope="col">Accuracy before <small>%</small></th><th scope="col">Accuracy <small>%</small></th><th scope="col">Omitted classes before <small>%</small></th><th scope="col">Omitted classes <small>%</small></th></tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>
<p class="note">The transfer set contains no samples of the omitted classes; validation and test do. The correction adds one number
to the outputs of the named classes. It is chosen on the validation samples (Hinton et al. 2015, section 3, chose it on the test samples).</p></section>`;
}

/** The same as sentences for the terminal. */
export function omittedLines(summary: Summary): string[] {
  return lacking(summary).map((m) => {
    const { classes, accuracy, correction } = m.omitted;
    const share = (value: OmittedScores["accuracy"]): string => percent(value);
    const head = `${m.name}: ${share(accuracy)} on the omitted ${classes.length === 1 ? "class" : "classes"} ${namesOf(classes)}`;
    if (!correction) return `${head}.`;
    const { before } = correction;
    return `${head} (${share(before.omitted)} before the bias correction of ${offsetSaid(m.omitted)}, and ${share(before.accuracy)} on all).`;
  });
}
