/** What random views of the samples a training sees. */

/** Lowest and highest value of a draw. */
export type Span = readonly [low: number, high: number];

/** How far colours may leave the image's own; 0 (or absent) leaves that part alone. Needs images of 3 channels, but for the first two. */
export interface ColourJitter {
  /** Factor of all values, drawn in [1 - b, 1 + b], not below 0. */
  readonly brightness?: number;
  /** Factor of the distance from the image's mean grey, drawn likewise. */
  readonly contrast?: number;
  /** Factor of the distance from each pixel's own grey, drawn likewise. */
  readonly saturation?: number;
  /** Turn of the colour circle, drawn in [-hue, hue] with 1 the whole circle; at most 0.5. */
  readonly hue?: number;
}

/**
 * Random views of image samples [C,H,W]; each view is a pure function of (seed, sample, epoch). Every option draws from a
 * stream of its own: adding one leaves the draws of the others as they were. Raw value 0 fills what comes in from outside.
 */
export interface Augmentation {
  /** Horizontal flip with probability 1/2. */
  readonly flip?: boolean;
  /** Shift by up to so many whole pixels in each direction: the same as padding by as much and cropping back to size. */
  readonly shift?: number;
  /**
   * A random box of the image resized to the image's size (Szegedy 2015): its share of the area and its width over its height
   * relative to the image's own, drawn log-uniformly.
   */
  readonly crop?: { readonly area: Span; readonly ratio: Span };
  /** Rotation about the centre by up to so many degrees either way. */
  readonly rotate?: number;
  /** Zoom about the centre by a factor drawn in this span; above 1 enlarges. */
  readonly scale?: Span;
  readonly colour?: ColourJitter;
  /** Gaussian noise; its standard deviation is drawn in [0, noise] of the data's value range. */
  readonly noise?: number;
  /** Gaussian blur; its sigma is drawn in [0, blur] pixels. */
  readonly blur?: number;
  /** Side in pixels of a square of zeros at a random place (DeVries & Taylor 2017). */
  readonly cutout?: number;
  /** So many operations of a fixed list, all at one magnitude from 0 to 10 (Cubuk 2020). */
  readonly randaugment?: { readonly ops: number; readonly magnitude: number };
  /** Blends with another sample by a share from Beta(alpha, alpha) (Zhang 2018). */
  readonly mixup?: { readonly alpha: number };
  /** Pastes a box of another sample; its area from Beta(alpha, alpha) (Yun 2019). */
  readonly cutmix?: { readonly alpha: number };
}

/** Options of which each view is made; mixup and cutmix come after the views. */
const VIEW_OPTIONS = [
  "flip",
  "shift",
  "crop",
  "rotate",
  "scale",
  "colour",
  "noise",
  "blur",
  "cutout",
  "randaugment",
] as const satisfies readonly (keyof Augmentation)[];

export type ViewOption = (typeof VIEW_OPTIONS)[number];

const VALUE_OPTIONS: ReadonlySet<ViewOption> = new Set(["colour", "noise", "blur", "randaugment"] as const);

/** The options that make a sample's view another than the sample itself. */
export function viewOptions(config: Augmentation): ViewOption[] {
  return VIEW_OPTIONS.filter((name) => {
    const value = config[name];
    if (name === "randaugment") return (config.randaugment?.ops ?? 0) > 0;
    if (name === "colour") return Object.values(config.colour ?? {}).some((v) => v > 0);
    return value !== undefined && value !== false && value !== 0;
  });
}

/** Whether views change values, not only places: then the values' range matters. */
export function changesValues(config: Augmentation): boolean {
  return viewOptions(config).some((name) => VALUE_OPTIONS.has(name));
}

/** Whether samples are mixed with others, labels and answers included. */
export function mixes(config: Augmentation): boolean {
  return config.mixup !== undefined || config.cutmix !== undefined;
}

/** Whether anything is random at all. */
export function augments(config: Augmentation | null | undefined): config is Augmentation {
  return !!config && (viewOptions(config).length > 0 || mixes(config));
}
