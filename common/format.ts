/** 1,234.5: with thousands separated, and with exactly so many digits after the point when they are given. */
export const formatNumber = (value: number, digits?: number): string =>
  value.toLocaleString(
    'en-US',
    digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits },
  );

/** As a number: what goes into a result file. */
export const roundTo = (value: number, digits: number): number =>
  Math.round(value * 10 ** digits) / 10 ** digits;
