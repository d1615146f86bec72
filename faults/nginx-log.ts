import type { ComposeStack } from '../stack/types.js';

interface Line {
  uri: string;
  status: number;
  /** Addresses tried: `a, b` one after the other in one pass, `a : b` in a second pass. */
  upstream: string;
}

/** What nginx's access log says about the issue calls since `since`. */
export interface AccessCounts {
  /** Address of the replica that gave the final answer → how many. */
  readonly byReplica: ReadonlyMap<string, number>;
  /** Calls that a second replica got in the same pass. */
  readonly passedOn: number;
  /** Calls that went through `@issue_again`. */
  readonly secondPass: number;
}

const isIssueCall = (value: unknown): value is Line =>
  typeof value === 'object' && value !== null && /\/coupons\/call\//.test(String((value as Line).uri));

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isIssueCall(value) ? value : undefined;
  } catch {
    // Not of the access log: nginx's own messages share the stream.
    return undefined;
  }
}

/** nginx writes its buffer once a second: what is younger than that may be missing. */
export async function readAccessLog(stack: ComposeStack, since: Date): Promise<AccessCounts> {
  const byReplica = new Map<string, number>();
  let [passedOn, secondPass] = [0, 0];
  const onLine = (text: string) => {
    const line = parse(text);
    if (!line) return;
    const passes = line.upstream.split(' : ');
    if (passes.length > 1) secondPass += 1;
    if (passes.some((pass) => pass.includes(', '))) passedOn += 1;
    const last = line.upstream.split(/ : |, /).at(-1) ?? '';
    byReplica.set(last, (byReplica.get(last) ?? 0) + 1);
  };
  await stack.compose(['logs', '--no-log-prefix', '--since', since.toISOString(), 'nginx'], { onLine });
  return { byReplica, passedOn, secondPass };
}
