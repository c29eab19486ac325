/** IEEE 754 half precision as bit patterns, round to nearest even. */

const scratch = new Float32Array(1);
const bits = new Uint32Array(scratch.buffer);

/** float32 to float16; values beyond 65504 become infinite, as the format has it. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, half);
}

function half(value: number): number {
  scratch[0] = value;
  const b = bits[0] as number;
  const sign = (b >>> 16) & 0x8000;
  const exponent = ((b >>> 23) & 0xff) - 112;
  const mantissa = b & 0x7fffff;
  if (exponent >= 31) return sign | (((b >>> 23) & 0xff) === 255 && mantissa ? 0x7e00 : 0x7c00);
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    return sign | roundShift(mantissa | 0x800000, 14 - exponent);
  }
  return sign | roundShift((exponent << 23) | mantissa, 13);
}

/** Shifts right, rounding to nearest, ties to even. A carry runs into the exponent, as it must. */
function roundShift(value: number, shift: number): number {
  const floor = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && (floor & 1) === 1) ? floor + 1 : floor;
}

/** float16 bit patterns to float32, exactly. */
export function fromHalf(values: Uint16Array): Float32Array {
  return Float32Array.from(values, (h) => {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >>> 10) & 31;
    const mantissa = h & 0x3ff;
    if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
  });
}
