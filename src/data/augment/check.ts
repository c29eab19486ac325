/** Whether random views go with the data, asked before anything is trained. */
import { InputError } from "../../errors.js";
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
    throw new InputError(
      `${where}.${option}`,
      `${found}; it needs images [channels, height, width]. Take it out${option === "cutmix" ? ", or use mixup, which blends any samples" : ""}`,
    );
  }
  const [channels, height, width] = shape as readonly [number, number, number];
  const side = Math.min(height, width);
  const { shift = 0, cutout = 0, colour } = config;
  const pixels = `the images are ${height} by ${width} pixels`;
  if (shift >= side)
    throw new InputError(
      `${where}.shift`,
      `found ${shift}, but ${pixels}: some views would be empty; expected less than ${side}, and a tenth of it is usual`,
    );
  if (cutout > side)
    throw new InputError(
      `${where}.cutout`,
      `found ${cutout}, but ${pixels}: the square would cover them; expected at most ${side}, and half of it is usual`,
    );
  for (const option of ["saturation", "hue"] as const)
    if ((colour?.[option] ?? 0) > 0 && channels !== 3)
      throw new InputError(
        `${where}.colour.${option}`,
        `found ${colour?.[option]}, but the images have ${channels} channel${channels === 1 ? " (grey)" : "s"}; it needs 3 (RGB). Take it out; brightness and contrast work on any`,
      );
}
