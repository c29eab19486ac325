/** The recipe's random views: what a training may do to images, and how strongly. */
import { z } from "zod";
import { MAX_MAGNITUDE, MAX_OPS } from "../../../learn/data/augment/randaugment.js";
import { positive } from "../../../base/schema-fields.js";

const ordered = ([low, high]: readonly [number, number]): boolean => low <= high;
const ORDERED = "expected the lower bound first: [low, high]";

const crop = z
  .strictObject({
    area: z
      .tuple([positive.max(1), positive.max(1)])
      .refine(ordered, ORDERED)
      .default([0.6, 1])
      .describe("Share of the image's area, [low, high]. ImageNet's [0.08, 1] is too strong for small images"),
    ratio: z
      .tuple([positive, positive])
      .refine(
        ([low, high]) => low <= 1 && high >= 1,
        "expected [low, high] with the image's own proportions, 1, between them",
      )
      .default([0.75, 4 / 3])
      .describe("Aspect ratio (width / height) relative to the image's, [low, high]"),
  })
  .describe(
    "A random box resized to the image's size (Szegedy 2015), for varying sizes and proportions. For pad-and-crop, use shift",
  );

const strength = (of: string) =>
  z.number().min(0).default(0).describe(`${of}: the factor is drawn from [1 - x, 1 + x], but not below 0`);
const colour = z
  .strictObject({
    brightness: strength("Brightness"),
    contrast: strength("Distance from the image's mean grey"),
    saturation: strength("Distance from each pixel's grey (RGB only)"),
    hue: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .describe("Largest rotation of the hue in either direction, as a fraction of the colour circle (RGB only)"),
  })
  .describe("Varying light and cameras. Do not use hue if colour distinguishes the classes");

const randaugment = z
  .strictObject({
    ops: z.number().int().min(1).max(MAX_OPS).default(2).describe("Operations per view"),
    magnitude: z
      .number()
      .min(0)
      .max(MAX_MAGNITUDE)
      .default(5)
      .describe("Strength of all operations; larger models and data sets tolerate more"),
  })
  .describe(
    "Random operations from a fixed list of 14, all with one strength (Cubuk 2020). Strong augmentation with only two numbers to choose",
  );

const share = (alpha: number) =>
  positive
    .default(alpha)
    .describe("Shares are drawn from Beta(alpha, alpha). A small alpha hardly mixes; 1 draws shares uniformly");

/** Random views of a training's samples. */
export const augmentSchema = z
  .strictObject({
    flip: z
      .boolean()
      .default(false)
      .describe("Flip horizontally with probability 1/2; not if left and right matter (digits, letters)"),
    shift: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe(
        "Largest shift in pixels in each direction, filled with zeros (pad-and-crop). 2 for 28 pixels, 4 for 32",
      ),
    crop: crop.optional(),
    rotate: z
      .number()
      .min(0)
      .max(180)
      .optional()
      .describe("Largest rotation about the centre in either direction, in degrees; 10 to 15 is safe"),
    scale: z
      .tuple([positive, positive])
      .refine(ordered, ORDERED)
      .optional()
      .describe("Zoom about the centre by a factor from [low, high]; above 1 enlarges"),
    colour: colour.optional(),
    noise: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "Gaussian noise. Its standard deviation is drawn from 0 to this fraction of the data's value range; 0.05 is visible",
      ),
    blur: z.number().min(0).optional().describe("Gaussian blur. Its sigma in pixels is drawn from 0 to this value"),
    cutout: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        "Side in pixels of a square of zeros at a random position (DeVries & Taylor 2017); half the image's side for CIFAR",
      ),
    randaugment: randaugment.optional(),
    mixup: z
      .strictObject({ alpha: share(0.2) })
      .optional()
      .describe("Blend with another sample, including the labels (Zhang 2018); also works for tables"),
    cutmix: z
      .strictObject({ alpha: share(1) })
      .optional()
      .describe(
        "Paste a box of another image and weight labels by area (Yun 2019). With mixup, each is used half the time",
      ),
  })
  .describe(
    "Random views, different in each epoch (docs/augmentation.md). transfer.views selects the teacher's answers for them",
  );
