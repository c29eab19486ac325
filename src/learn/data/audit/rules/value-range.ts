/** Values that reach the network far too large or far too small. */
import { type AuditRule, valueText } from "../rule.js";

/** What a network may see at most: of pixels, of features; and what it sees at least. */
const MOST_PIXEL = 20;
const MOST_FEATURE = 100;
const LEAST = 0.05;

const isImage = (shape: readonly number[]): boolean => shape.length === 3 && [1, 3, 4].includes(shape[0] as number);

export const valueRange: AuditRule = ({ low, high, columns, loaded: { data, normalisation } }) => {
  const { scale, mean, std } = normalisation;
  const image = isImage(data.sampleShape);
  // One shift for all values: what is fitted channel by channel has the right size by itself.
  if ((!image && !columns) || mean.length !== 1 || std.length !== 1) return [];
  const seen = (value: number): number => (value * scale - (mean[0] as number)) / (std[0] as number);
  const largest = Math.max(Math.abs(seen(low)), Math.abs(seen(high)));
  if (low >= high || (largest >= LEAST && largest <= (image ? MOST_PIXEL : MOST_FEATURE))) return [];
  const raw = scale === 1 && mean[0] === 0 && std[0] === 1;
  const what = image ? "Pixels" : "Features";
  const range = `${what} have values from ${valueText(low)} to ${valueText(high)}`;
  return [
    {
      code: "value-range",
      level: "warning",
      where: "data.normalise",
      text: raw
        ? `${range}, and they are not normalised. Networks learn poorly from values so ${largest > 1 ? "large" : "small"}.`
        : `${range}, which the normalisation makes ${valueText(seen(low))} to ${valueText(seen(high))}. Networks learn poorly from values so ${largest > 1 ? "large" : "small"}.`,
      cure: 'Set data.normalise to "standard", or to the scale, mean and std that fit.',
    },
  ];
};
