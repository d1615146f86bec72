/** The part of a load test that one generator runs: `index` of `of`, from 1. */
export interface Segment {
  readonly index: number;
  readonly of: number;
}

export const formatSegment = ({ index, of }: Segment): string => `${index}/${of}`;

/** `2/3`; undefined when it is no such thing. */
export function parseSegment(text: string): Segment | undefined {
  const [, index, of] = (/^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []).map(Number);
  if (index === undefined || of === undefined || index < 1 || index > of) return undefined;
  return { index, of };
}

export const allSegments = (of: number): Segment[] =>
  Array.from({ length: of }, (_, i) => ({ index: i + 1, of }));

/**
 * k6's options for it. All generators name the same sequence of segments: k6 rounds shares of users by it, so that they add up
 * to the whole also where they do not divide evenly, and numbers users across generators (`exec.vu.idInTest`).
 */
export function segmentArguments({ index, of }: Segment): string[] {
  if (of === 1) return [];
  const edge = (n: number): string => (n === 0 || n === of ? String(n / of) : `${n}/${of}`);
  const sequence = Array.from({ length: of + 1 }, (_, n) => edge(n)).join(',');
  return [
    ...['--execution-segment', `${edge(index - 1)}:${edge(index)}`],
    ...['--execution-segment-sequence', sequence],
  ];
}
