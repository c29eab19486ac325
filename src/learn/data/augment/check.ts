/** Whether random views go with the data, asked before anything is trained. */
import { InputError } from "../../../base/errors.js";
import { type Augmentation, viewOptions } from "./config.js";

/**
 * @param shape of a sample
 * @param where the field that asks for the views, e.g. "training.augment"
 * @throws InputError naming the option that does not fit
 */
export function checkAugmentation(config: Augmentation, shape: readonly number[], where: string): void {
  const found = `the samples are [${shape.join(", ")}]`;
  if (shape.length !== 3) {
    const [option] = [...viewOptions(config), ...(config.cutmix ? ["cutmix"] : [])];
    if (option === undefined) return;
    throw new InputError({
      code: "option-conflict",
      where: `${where}.${option}`,
      found: found,
      expected: "images [channels, height, width]",
      cure: option === "cutmix" ? "Remove it, or use mixup, which blends any samples" : "Remove it",
    });
  }
  const [channels, height, width] = shape as readonly [number, number, number];
  const side = Math.min(height, width);
  const { shift = 0, cutout = 0, colour } = config;
  const pixels = `the images are ${height} by ${width} pixels`;
  if (shift >= side)
    throw new InputError({
      code: "option-invalid",
      where: `${where}.shift`,
      found: `found ${shift}, and ${pixels}, so some views would be empty`,
      expected: `less than ${side}; a tenth of it is usual`,
    });
  if (cutout > side)
    throw new InputError({
      code: "option-invalid",
      where: `${where}.cutout`,
      found: `found ${cutout}, and ${pixels}, so the square would cover them`,
      expected: `at most ${side}; half of it is usual`,
    });
  for (const option of ["saturation", "hue"] as const)
    if ((colour?.[option] ?? 0) > 0 && channels !== 3)
      throw new InputError({
        code: "option-conflict",
        where: `${where}.colour.${option}`,
        found: `found ${colour?.[option]}, and the images have ${channels === 1 ? "1 channel (grey)" : `${channels} channels`}`,
        expected: "3 channels (RGB)",
        cure: "Remove it; brightness and contrast work on any images",
      });
}
