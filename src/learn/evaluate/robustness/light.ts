/** Light: brightness and contrast. */
import { byPlane, type Image } from "./image.js";

/** Adds to the value V of HSV, the largest channel, up to 1; hue and saturation stay. A grey image simply gets lighter. */
export function brightness({ values, channels, height, width }: Image, added: number): Float64Array {
  const size = height * width;
  const out = new Float64Array(values.length);
  for (let i = 0; i < size; i++) {
    let before = 0;
    for (let c = 0; c < channels; c++) before = Math.max(before, values[c * size + i] as number);
    const after = Math.min(1, before + added);
    for (let c = 0; c < channels; c++)
      out[c * size + i] = before > 0 ? ((values[c * size + i] as number) * after) / before : after;
  }
  return out;
}

/** Moves every value towards the mean of its channel: mean + kept (v - mean). */
export function contrast(image: Image, kept: number): Float64Array {
  return byPlane(image, (plane) => {
    const mean = plane.reduce((a, v) => a + v, 0) / plane.length;
    return plane.map((v) => mean + kept * (v - mean));
  });
}
