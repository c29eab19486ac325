/** Random views of images: the recipe's side of src/data/augment. */
import { z } from "zod";
import { MAX_OPS } from "../data/augment/randaugment.js";
import { count, positive } from "./fields.js";

const span = (what: z.ZodNumber) =>
  z.tuple([what, what]).refine(([low, high]) => low <= high, { message: "give the lower number first" });
const factor = z.number().min(0).optional();

export const augmentSchema = z
  .strictObject({
    flip: z.boolean().optional().describe("Flip horizontally, one view in two"),
    shift: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe("Shift by up to so many whole pixels each way, zeros coming in: pad and crop back"),
    crop: z
      .strictObject({
        area: span(z.number().gt(0).max(1))
          .default([0.25, 1])
          .describe("Share of the image's area, lowest and highest"),
        ratio: span(positive)
          .default([3 / 4, 4 / 3])
          .describe("Width over height, relative to the image's own"),
      })
      .optional()
      .describe("A random box resized to the image's size, Szegedy 2015"),
    rotate: z.number().min(0).max(180).optional().describe("Turn by up to so many degrees either way"),
    scale: span(positive).optional().describe("Zoom by a factor between these; above 1 enlarges"),
    colour: z
      .strictObject({
        brightness: factor.describe("Factor of all values in 1 -+ this"),
        contrast: factor.describe("Factor of the distance from the image's mean in 1 -+ this"),
        saturation: factor.describe("Factor of the distance from each pixel's grey in 1 -+ this; three channels"),
        hue: z
          .number()
          .min(0)
          .max(0.5)
          .optional()
          .describe("Turn of the colour circle, of which 1 is all; three channels"),
      })
      .optional()
      .describe("Colours, brightness and contrast"),
    noise: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("Gaussian noise with a standard deviation of up to this share of the values' range"),
    blur: z.number().min(0).optional().describe("Gaussian blur with a sigma of up to so many pixels"),
    cutout: z.number().int().min(0).optional().describe("Side in pixels of a square of zeros, DeVries 2017"),
    randaugment: z
      .strictObject({
        ops: count.max(MAX_OPS).default(2).describe("Operations a view"),
        magnitude: z.number().min(0).max(10).default(5).describe("Of all of them"),
      })
      .optional()
      .describe("So many operations of a fixed list, Cubuk 2020"),
    mixup: z
      .strictObject({ alpha: positive.default(1).describe("Of Beta(alpha, alpha); 1 is even in [0, 1]") })
      .optional()
      .describe("Blend with another sample, labels and answers too, Zhang 2018"),
    cutmix: z
      .strictObject({ alpha: positive.default(1).describe("Of Beta(alpha, alpha)") })
      .optional()
      .describe("Paste a box of another sample, labels and answers by area, Yun 2019; with mixup, one of the two"),
  })
  .optional()
  .describe("Random views of images, others in each epoch. What a teacher answers for them is said by transfer.views");
