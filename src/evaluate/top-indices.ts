/** The best few of many values. */

/** Indices of the largest values, the largest first, of equal ones the lower index; without `except`. */
export function topIndices(values: ArrayLike<number>, count: number, except = -1): number[] {
  const found: number[] = [];
  for (let c = 0; c < values.length; c++) {
    const v = values[c] as number;
    if (c === except || (found.length === count && v <= (values[found[count - 1] as number] as number))) continue;
    const place = found.findIndex((f) => (values[f] as number) < v);
    found.splice(place < 0 ? found.length : place, 0, c);
    if (found.length > count) found.pop();
  }
  return found;
}
