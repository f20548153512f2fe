const integer = new Intl.NumberFormat('en');

/** 1234567 → '1,234,567' */
export function formatCount(value: number): string {
  return integer.format(value);
}

const magnitudes: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K'],
];

/** Parameters and tokens: 135_000_000 → '135 M', 1_240_000 → '1.24 M', 999 → '999' */
export function formatShort(value: number): string {
  const found = magnitudes.find(([size]) => Math.abs(value) >= size);
  return found ? `${threeDigits(value / found[0])} ${found[1]}` : formatCount(value);
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as browsers and disks show them: 1_500_000 → '1.5 MB' */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${byteUnits[unit] ?? 'TB'}`;
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** 'under a second', '42 s', '3 min 5 s', '2 h 10 min' */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  const whole = Math.round(seconds);
  if (whole < 1) return 'under a second';
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 60)} h`;
}

/** How long ago, both in milliseconds since the epoch. */
export function formatAgo(then: number, now: number): string {
  const seconds = Math.max(0, (now - then) / 1000);
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.round(seconds / 86400);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

const dateTime = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

export function formatDate(time: number): string {
  return dateTime.format(time);
}

/** A share of 1 as per cent with as many digits as it needs: 0.1234 → '12.3 %', 0.00042 → '0.042 %' */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent === 0 || percent >= 99.95 ? Math.round(percent) : threeOrTwo(percent)} %`;
}

/** 1.0649 → '1.06 ×' */
export function formatRatio(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}

function threeOrTwo(percent: number): string {
  return String(Number(percent.toPrecision(percent >= 1 ? 3 : 2)));
}

/** Settings and metrics: small and huge values as 2e-4, the rest as they stand with at most five digits. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e7))
    return Number(value.toPrecision(4)).toExponential().replace('e+', 'e');
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

/** A loss: four decimals, or fewer where it is large. */
export function formatLoss(loss: number): string {
  if (!Number.isFinite(loss)) return 'not a number';
  return loss.toFixed(loss >= 100 ? 1 : loss >= 10 ? 2 : 3);
}

/** 1 row, 2 rows */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
