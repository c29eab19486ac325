/** Small pictures as PNG data URIs, so that the report needs no other file. */
import { zlibSync } from "fflate";

/**
 * A PNG of one sample.
 * @param shape [C,H,W], C 1 (grey) or 3 (RGB)
 * @param values row-major, in [0, 1]; what lies outside is clipped
 */
export function pngDataUri(shape: readonly number[], values: readonly number[]): string {
  const [channels = 1, height = 1, width = 1] = shape;
  const lines = new Uint8Array(height * (1 + width * channels));
  let at = 0;
  for (let y = 0; y < height; y++) {
    lines[at++] = 0; // no filter
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const v = values[(c * height + y) * width + x] ?? 0;
        lines[at++] = Math.round(255 * Math.min(1, Math.max(0, v)));
      }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, channels === 3 ? 2 : 0, 0, 0, 0], 8);
  const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
  const parts = [signature, chunk("IHDR", header), chunk("IDAT", zlibSync(lines)), chunk("IEND", new Uint8Array())];
  return `data:image/png;base64,${Buffer.concat(parts).toString("base64")}`;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(data.length + 8, crc32(out.subarray(4, data.length + 8)));
  return out;
}

/** CRC-32 of ISO 3309, as PNG wants it. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
