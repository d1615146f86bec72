/**
 * `data`: the rows are at fault, the same rows will fail again. `unavailable`: anything the database says or does not say
 * that has nothing to do with the rows (gone, full, read-only, deadlock, no such table): try again later. `unknown`: not
 * from the database.
 */
type DatabaseFault = 'data' | 'unavailable' | 'unknown';

/** Beside SQLSTATE classes 22 (data) and 23 (constraint), which Prisma hides for some: MySQL's and MariaDB's numbers. */
const DATA_ERRORS = new Set([
  1048, // a column cannot be null
  1062, // duplicate
  1153, // the statement is larger than max_allowed_packet: half of it may not be
  45046, // the same, found by the connector
  1264, // out of range
  1292, // not a date or number
  1366, // not in the character set
  1406, // too long
  1441, // date overflow
  1452, // no such parent row
  1690, // number overflow
  3140, // not JSON
  3156, // JSON value of another type
  3819, // check constraint, MySQL
  4025, // check constraint, MariaDB
  4037, // JSON syntax, MariaDB
  4174, // JSON_TABLE: not a scalar, MariaDB
]);

interface DriverCause {
  originalCode?: string;
  state?: string;
}

const findDriverCause = (err: Error): DriverCause | undefined =>
  (err as { meta?: { driverAdapterError?: { cause?: DriverCause } } }).meta?.driverAdapterError?.cause;

export function classifyDatabaseError(err: unknown): DatabaseFault {
  if (!(err instanceof Error)) return 'unknown';
  const cause = findDriverCause(err);
  if (cause) {
    const isData = DATA_ERRORS.has(Number(cause.originalCode)) || /^2[23]/.test(cause.state ?? '');
    return isData ? 'data' : 'unavailable';
  }
  // A socket error as Node has it, or Prisma's own: no connection (P1…), no connection in time (P2024, P2028), engine.
  const { code, syscall } = err as NodeJS.ErrnoException;
  if (syscall !== undefined || /^(P1\d{3}|P2024|P2028|P2034|P2037|P2039)$/.test(code ?? ''))
    return 'unavailable';
  return /^PrismaClient(Initialization|UnknownRequest|RustPanic)Error$/.test(err.name)
    ? 'unavailable'
    : 'unknown';
}

/** One line for logs and dead letters: Prisma's messages carry empty lines and the call. */
export const describeError = (err: unknown): string =>
  err instanceof Error ? err.message.trim().split('\n').at(-1)!.trim().slice(0, 500) : String(err);
