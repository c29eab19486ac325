/**
 * The report's only script: the temperature slider. It is kept as text because it runs in the reader's browser and
 * nowhere else; tests run `SOFTENED_SOURCE` against log-softmax.
 */

/**
 * function softened(logits, temperature, rest) -> softmax(logits / temperature), as an array of the same length. \`rest\` has
 * [logit, how many] of the classes that are not among the logits; none where all are.
 */
export const SOFTENED_SOURCE = `function softened(logits, temperature, rest) {
  var others = rest || [];
  var z = logits.map(function (v) { return v / temperature; });
  var most = z.concat(others.map(function (r) { return r[0] / temperature; })).reduce(function (a, v) { return a > v ? a : v; });
  var e = z.map(function (v) { return Math.exp(v - most); });
  var sum = e.reduce(function (a, v) { return a + v; }, 0);
  others.forEach(function (r) { sum += r[1] * Math.exp(r[0] / temperature - most); });
  return e.map(function (v) { return v / sum; });
}`;

/**
 * function shown(probabilities, order, more) -> one number a bar: the classes in \`order\`, and with fewer bars than classes
 * a last one with the rest. \`more\`: there are classes besides the probabilities'.
 */
export const SHOWN_SOURCE = `function shown(probabilities, order, more) {
  var bars = order.map(function (c) { return probabilities[c]; });
  if (more || order.length < probabilities.length) {
    bars.push(Math.max(0, 1 - bars.reduce(function (a, v) { return a + v; }, 0)));
  }
  return bars;
}`;

/** function percentText(share) -> "12 %", "1.2 %", "0.01 %", "<0.01 %". */
export const PERCENT_SOURCE = `function percentText(share) {
  var p = 100 * share;
  if (p > 0 && p < 0.01) return "<0.01 %";
  return p.toFixed(p >= 9.95 ? 0 : p >= 0.095 ? 1 : 2) + " %";
}`;

/** function lengths(bars, named) -> the bars by the largest of the named ones; those behind have none. */
export const LENGTHS_SOURCE = `function lengths(bars, named) {
  var most = bars[0].slice(0, named).concat(bars[1].slice(0, named)).reduce(function (a, v) { return a > v ? a : v; });
  return bars.map(function (own) { return own.map(function (p, k) { return k < named ? p / most : 0; }); });
}`;

/** function entropyOf(probabilities, logits, temperature, rest) -> nats, with the classes of the rest. */
export const ENTROPY_SOURCE = `function entropyOf(probabilities, logits, temperature, rest) {
  var entropy = 0;
  var best = 0;
  probabilities.forEach(function (p, c) {
    if (p > 0) entropy -= p * Math.log(p);
    if (p > probabilities[best]) best = c;
  });
  rest.forEach(function (r) {
    var p = probabilities[best] * Math.exp((r[0] - logits[best]) / temperature);
    if (p > 0) entropy -= r[1] * p * Math.log(p);
  });
  return entropy;
}`;

/** Position of the slider, 0 to 100, on a log scale from 0.5 to 32. */
const SCALE_SOURCE = `function temperatureAt(position) { return Math.exp(Math.log(0.5) + position / 100 * Math.log(64)); }
function positionOf(temperature) { return 100 * Math.log(temperature / 0.5) / Math.log(64); }`;

/** The whole script. It reads #dark-data and draws into the bars that the page already holds. */
export const SLIDER_SCRIPT = `"use strict";
${SOFTENED_SOURCE}
${SHOWN_SOURCE}
${PERCENT_SOURCE}
${ENTROPY_SOURCE}
${LENGTHS_SOURCE}
${SCALE_SOURCE}
(function () {
  var holder = document.getElementById("dark-data");
  var slider = document.getElementById("temperature");
  if (!holder || !slider) return;
  var data = JSON.parse(holder.textContent);
  var cards = Array.prototype.slice.call(document.querySelectorAll("[data-sample]"));
  var value = document.getElementById("temperature-value");
  var entropyText = document.getElementById("entropy-value");
  function draw(temperature) {
    var entropy = 0;
    cards.forEach(function (card, i) {
      var sample = data.samples[i];
      var rest = sample.rest || [[], []];
      var teacher = softened(sample.teacher, temperature, rest[0]);
      entropy += entropyOf(teacher, sample.teacher, temperature, rest[0]) / cards.length;
      var student = softened(sample.student, temperature, rest[1]);
      var bars = [shown(teacher, sample.order, sample.rest), shown(student, sample.order, sample.rest)];
      var long = sample.rest ? lengths(bars, sample.order.length) : bars;
      card.querySelectorAll("[data-bar]").forEach(function (row, k) {
        row.querySelector(".of-teacher").style.width = 100 * long[0][k] + "%";
        row.querySelector(".of-student").style.width = 100 * long[1][k] + "%";
        row.querySelector(".share").textContent = percentText(bars[0][k]);
      });
    });
    var text = temperature.toFixed(temperature < 10 ? 1 : 0);
    value.textContent = text;
    entropyText.textContent = entropy.toFixed(2);
    slider.setAttribute("aria-valuetext", "temperature " + text);
    document.querySelectorAll("[data-temperature]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(Math.abs(Number(button.dataset.temperature) - temperature) < 0.005));
    });
  }
  slider.addEventListener("input", function () { draw(temperatureAt(Number(slider.value))); });
  document.querySelectorAll("[data-temperature]").forEach(function (button) {
    button.addEventListener("click", function () {
      var temperature = Number(button.dataset.temperature);
      slider.value = String(positionOf(temperature));
      draw(temperature);
    });
  });
  document.getElementById("temperature-controls").hidden = false;
  slider.value = String(positionOf(data.temperature));
  draw(data.temperature);
})();`;
