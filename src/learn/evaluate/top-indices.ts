/** The best few of many values. */

/** So many are kept in order while the values pass; for more, sorting all is faster. */
const MOST_INSERTED = 32;

/** Indices of the largest values, the largest first, of equal ones the lower index; without `except`. */
export function topIndices(values: ArrayLike<number>, count: number, except = -1): number[] {
  if (count > MOST_INSERTED) return sorted(values, except).slice(0, count);
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

function sorted(values: ArrayLike<number>, except: number): number[] {
  const all = Array.from(values, (_, c) => c).filter((c) => c !== except);
  return all.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
}
