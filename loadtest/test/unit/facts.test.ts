import { describe, expect, it } from '@jest/globals';
import { FactsReader, IncompleteFactsError, readFacts } from '../../facts.js';

const LINES = [
  '{"source":"meta","gate":true,"total":10,"issued":1}',
  '{"source":"coupon","total":10}',
  '{"source":"redis","userId":"7","rank":1,"issuedAtMs":5}',
  '{"source":"mysql","userId":"7","rank":1,"issuedAtMs":5}',
  '{"source":"stream","entries":0,"deadLetters":2}',
  '{"source":"end"}',
];

const stackThatSays = (lines: string[]) => ({
  ops: async (_args: readonly string[], options?: { onLine?: (line: string) => void }) => {
    for (const line of lines) options?.onLine?.(line);
  },
});

describe('the facts of a coupon', () => {
  it('are read from the lines of the operator command', async () => {
    const facts = await readFacts(stackThatSays(LINES), 1);
    expect(facts).toMatchObject({
      total: 10,
      gate: true,
      issued: 1,
      redis: [{ userId: '7', rank: 1, issuedAtMs: 5 }],
      mysql: [{ userId: '7', rank: 1, issuedAtMs: 5 }],
      deadLetters: 2,
    });
  });

  it('are refused when they were cut off, because a missing half looks like a loss', () => {
    const reader = new FactsReader();
    for (const line of LINES.slice(0, -1)) reader.add(line);
    expect(() => reader.finish()).toThrow(IncompleteFactsError);
  });

  it('are refused when a line is not one of them', async () => {
    await expect(readFacts(stackThatSays([...LINES, '{"source":"rumour"}']), 1)).rejects.toThrow(
      /unreadable line/,
    );
  });
});
