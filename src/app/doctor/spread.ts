/** Some of the samples, where all would take too long. */

/** At most so many of them, from all over them. */
export function spread(samples: Uint32Array, most: number): Uint32Array {
  if (samples.length <= most) return samples;
  return Uint32Array.from({ length: most }, (_, i) => samples[Math.floor((i * samples.length) / most)] as number);
}
