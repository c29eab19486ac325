/** What to say when a training needs more memory than is free. */

/**
 * Undefined where it fits, or where nobody knows what is free. The estimate counts the values of a step alone; a process
 * takes more.
 * @param needed bytes that a step keeps at once
 * @param batch samples of a micro-batch
 */
export function memoryWarning(
  name: string,
  needed: number,
  batch: number,
  free: number | undefined,
): string | undefined {
  if (free === undefined || needed <= free) return undefined;
  const advice =
    batch > 1
      ? `Lower training.batch (now ${batch} at a time) and raise training.accumulate, or make the samples shorter or the student smaller`
      : "Make the samples shorter or the student smaller";
  return `${name}: a training step keeps about ${gigabytes(needed)} of memory, and ${gigabytes(free)} are free. It may be very slow, or the system may end it. ${advice}`;
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GB`;
