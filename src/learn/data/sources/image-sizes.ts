/** How large images were before they were stretched to the size of the samples. Nothing here is Node's. */

/** Beyond this change of the ratio of width to height, a shape is no longer what it was. */
export const STRETCH_LIMIT = 1.5;
/** The most stretched images are named, so many of them. */
const NAMED = 6;

export interface ImageSize {
  /** As messages call it. */
  readonly name: string;
  /** Where it lies. */
  readonly path: string;
  /** Pixels, turned as the EXIF data says. */
  readonly width: number;
  readonly height: number;
}

export interface ImageSizes {
  readonly images: number;
  /** What all of them became. */
  readonly size: readonly [height: number, width: number];
  /** Least and most. */
  readonly width: readonly [number, number];
  readonly height: readonly [number, number];
  /** Images whose ratio of width to height changed by more than `STRETCH_LIMIT`. */
  readonly stretched: number;
  /** Those that changed most. */
  readonly worst: readonly ImageSize[];
}

/** Times by which the ratio of width to height changes, 1 or more. */
export function stretchOf({ width, height }: Pick<ImageSize, "width" | "height">, size: ImageSizes["size"]): number {
  const change = width / height / (size[1] / size[0]);
  return change < 1 ? 1 / change : change;
}

/** What is worth knowing about the sizes of many images; null of none. */
export function summariseSizes(sizes: readonly ImageSize[], size: ImageSizes["size"]): ImageSizes | null {
  if (sizes.length === 0) return null;
  const width: [number, number] = [Number.POSITIVE_INFINITY, 0];
  const height: [number, number] = [Number.POSITIVE_INFINITY, 0];
  for (const image of sizes) {
    width[0] = Math.min(width[0], image.width);
    width[1] = Math.max(width[1], image.width);
    height[0] = Math.min(height[0], image.height);
    height[1] = Math.max(height[1], image.height);
  }
  const stretched = sizes.filter((image) => stretchOf(image, size) > STRETCH_LIMIT);
  const worst = stretched.toSorted((a, b) => stretchOf(b, size) - stretchOf(a, size)).slice(0, NAMED);
  return { images: sizes.length, size, width, height, stretched: stretched.length, worst };
}
