/** Images as they were and as they became samples, small enough for a page. */

import type { ImageSizes } from "./image-sizes.js";
import { decodeImage } from "./images.js";

/** The longer side, in pixels. */
const LONGEST = 72;

export interface StretchedPixels {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Bytes [3, height, width]. */
  readonly before: { readonly shape: readonly number[]; readonly pixels: Uint8Array };
  readonly after: { readonly shape: readonly number[]; readonly pixels: Uint8Array };
}

/** The images whose proportions changed most. @throws InputError when one cannot be decoded any more */
export async function decodeStretched({ worst, size }: ImageSizes): Promise<StretchedPixels[]> {
  const fitted = (height: number, width: number): [number, number] => {
    const scale = Math.min(1, LONGEST / Math.max(height, width));
    return [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
  };
  const decoded = async (path: string, to: [number, number]): Promise<StretchedPixels["before"]> => ({
    shape: [3, ...to],
    pixels: await decodeImage(path, { size: to, channels: 3 }),
  });
  const all: StretchedPixels[] = [];
  for (const { name, path, width, height } of worst)
    all.push({
      name,
      width,
      height,
      before: await decoded(path, fitted(height, width)),
      after: await decoded(path, fitted(size[0], size[1])),
    });
  return all;
}
