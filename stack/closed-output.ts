/**
 * Whoever read the output may have seen enough (`make reconcile | head -1`): that is no fault. What only reads `end`s
 * then. What changes something must `goOn`, unheard, to its end: half a start is worse than a line that nobody reads.
 */
export function allowClosedOutput(then: 'end' | 'goOn'): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (then === 'end') process.exit(0);
  });
}
