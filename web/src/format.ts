// How values are written. Numbers are shown short, and whole where that is possible; the exact text is in the title of a cell.

/** A metric's value as it comes: a number, "NaN", "Infinity" or "-Infinity". */
export type Value = number | string;

export function toNumber(value: Value | null | undefined): number {
  return value === null || value === undefined ? Number.NaN : Number(value);
}

export function number(value: Value | null | undefined, digits = 5): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return value === "Infinity" ? "∞" : value === "-Infinity" ? "−∞" : value;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e9)) return value.toExponential(digits - 2).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(digits)));
}

export function signed(value: number): string {
  return value > 0 ? `+${number(value, 3)}` : number(value, 3).replace("-", "−");
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** The same everywhere: a date that a colleague elsewhere reads the same way. Local time. */
export function moment(text: string): string {
  const time = new Date(text);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function ago(text: string, now = Date.now()): string {
  const seconds = Math.round((now - new Date(text).getTime()) / 1000);
  if (seconds < -60) return moment(text);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 30 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return moment(text).slice(0, 10);
}

/** A clock that went backwards gives 0, not a negative time. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return minutes < 24 * 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}
