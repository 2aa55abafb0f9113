// Series travel as base64 of little-endian arrays.

function bytesOf(text: string): ArrayBuffer {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index++) bytes[index] = raw.charCodeAt(index);
  return bytes.buffer;
}

export function float64s(text: string): number[] {
  const view = new DataView(bytesOf(text));
  return Array.from({ length: view.byteLength / 8 }, (_, index) => view.getFloat64(index * 8, true));
}

/** Whole numbers as doubles: what is beyond 2^53 is rounded, which no chart shows. */
export function int64s(text: string, divisor = 1): number[] {
  const view = new DataView(bytesOf(text));
  return Array.from({ length: view.byteLength / 8 }, (_, index) => Number(view.getBigInt64(index * 8, true)) / divisor);
}
