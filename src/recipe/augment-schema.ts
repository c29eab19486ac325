/** The recipe's random views: what a training may do to images, and how strongly. */
import { z } from "zod";
import { MAX_MAGNITUDE, MAX_OPS } from "../data/augment/randaugment.js";
import { positive } from "./fields.js";

const ordered = ([low, high]: readonly [number, number]): boolean => low <= high;
const ORDERED = "expected the lower bound first: [low, high]";

const crop = z
  .strictObject({
    area: z
      .tuple([positive.max(1), positive.max(1)])
      .refine(ordered, ORDERED)
      .default([0.6, 1])
      .describe("Share of the image's area, [low, high]; [0.08, 1] is ImageNet's, too much for small pictures"),
    ratio: z
      .tuple([positive, positive])
      .refine(
        ([low, high]) => low <= 1 && high >= 1,
        "expected [low, high] with the image's own proportions, 1, between them",
      )
      .default([0.75, 4 / 3])
      .describe("Width over height, relative to the image's own, [low, high]"),
  })
  .describe(
    "A random box resized to the image's size (Szegedy 2015): other sizes and proportions. Pad-and-crop is shift",
  );

const strength = (of: string) =>
  z.number().min(0).default(0).describe(`${of}: its factor is drawn in [1 - x, 1 + x], not below 0`);
const colour = z
  .strictObject({
    brightness: strength("Brightness"),
    contrast: strength("Distance from the image's mean grey"),
    saturation: strength("Distance from each pixel's own grey (RGB only)"),
    hue: z
      .number()
      .min(0)
      .max(0.5)
      .default(0)
      .describe("Turn of the colour circle, up to so much of it either way (RGB only)"),
  })
  .describe("Other light and other cameras; leave hue out where colour is the class");

const randaugment = z
  .strictObject({
    ops: z.number().int().min(1).max(MAX_OPS).default(2).describe("Operations a view"),
    magnitude: z
      .number()
      .min(0)
      .max(MAX_MAGNITUDE)
      .default(5)
      .describe("Strength of all of them; larger models and data bear more"),
  })
  .describe(
    "Operations drawn from a fixed list of 14, one strength for all (Cubuk 2020): the strong augmentation with two numbers to choose",
  );

const share = (alpha: number) =>
  positive
    .default(alpha)
    .describe("Shares are drawn from Beta(alpha, alpha): small is hardly mixed, 1 is any share alike");

/** Random views of a training's samples. */
export const augmentSchema = z
  .strictObject({
    flip: z
      .boolean()
      .default(false)
      .describe("Flip horizontally, one view in two; not where left and right matter (digits, letters)"),
    shift: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("Shift by up to so many pixels each way, zeros coming in: pad-and-crop. 2 of 28 pixels, 4 of 32"),
    crop: crop.optional(),
    rotate: z
      .number()
      .min(0)
      .max(180)
      .optional()
      .describe("Turn about the centre by up to so many degrees either way; 10 to 15 is safe"),
    scale: z
      .tuple([positive, positive])
      .refine(ordered, ORDERED)
      .optional()
      .describe("Zoom about the centre by a factor in [low, high]; above 1 enlarges"),
    colour: colour.optional(),
    noise: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "Gaussian noise: its standard deviation is drawn from 0 to this part of the data's value range; 0.05 is visible",
      ),
    blur: z.number().min(0).optional().describe("Gaussian blur: its sigma in pixels is drawn from 0 to this"),
    cutout: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        "Side in pixels of a square of zeros at a random place (DeVries & Taylor 2017); half the side of CIFAR's images",
      ),
    randaugment: randaugment.optional(),
    mixup: z
      .strictObject({ alpha: share(0.2) })
      .optional()
      .describe("Blend with another sample, labels alike (Zhang 2018); of tables as well"),
    cutmix: z
      .strictObject({ alpha: share(1) })
      .optional()
      .describe("Paste a box of another image, labels by area (Yun 2019); with mixup, each half the time"),
  })
  .describe(
    "Random views, another in each epoch (docs/augmentation.md); transfer.views says what a teacher answers for them",
  );
