/** Images that are stretched out of shape, and samples that show nothing. */
import { noun } from "../../../../base/noun.js";
import { STRETCH_LIMIT, stretchOf } from "../../sources/image-sizes.js";
import { type AuditRule, fewOf, quotedList, shortened } from "../rule.js";
import { sampleName } from "../sample-names.js";

export const stretchedImages: AuditRule = ({ loaded: { imageSizes } }) => {
  if (!imageSizes || imageSizes.stretched === 0) return [];
  const { stretched, images, size, worst } = imageSizes;
  const [first] = worst as [(typeof worst)[number]];
  const times = stretchOf(first, size).toFixed(1);
  return [
    {
      code: "images-stretched",
      level: "warning",
      where: "data.size",
      text: `${stretched.toLocaleString("en-US")} of ${noun(images, "image")} ${stretched === 1 ? "is" : "are"} stretched to ${size[0]}x${size[1]} (height x width) and ${stretched === 1 ? "changes its" : "change their"} proportions by more than ${STRETCH_LIMIT} to 1. The worst is ${first.name}: ${first.width} pixels wide and ${first.height} high, changed by ${times} to 1.`,
      cure: "Choose a data.size with their proportions, or crop or pad them first.",
      count: stretched,
      examples: worst
        .slice(0, 3)
        .map(({ name, width, height }) => `${shortened(name)} (${width} wide, ${height} high)`),
    },
  ];
};

export const constantSamples: AuditRule = ({ constant, loaded: { data } }) => {
  if (constant.length === 0) return [];
  const image = data.sampleShape.length === 3;
  const called = constant.slice(0, 6).map((i) => sampleName(data, i));
  return [
    {
      code: "samples-constant",
      level: "warning",
      text: image
        ? `${noun(constant.length, "image")} ${constant.length === 1 ? "has" : "have"} a single colour: ${quotedList(called, constant.length)}.`
        : `${noun(constant.length, "sample")} ${constant.length === 1 ? "has" : "have"} a single value everywhere: ${quotedList(called, constant.length)}.`,
      cure: `Check whether ${constant.length === 1 ? "it is" : "they are"} damaged or empty.`,
      count: constant.length,
      examples: fewOf(called),
      samples: constant.slice(0, 6).map((i) => [i]),
    },
  ];
};
