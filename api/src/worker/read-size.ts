/** An entry is one script call's users: up to a few hundred. Assumed until entries have been seen. */
const FIRST_ROWS_AN_ENTRY = 256;
/** Bounds what one read can bring into memory, whatever the entries were like before. */
const ENTRIES_MOST = 500;

/**
 * How many entries to ask of each partition so that a read brings about `rowsMax` rows: entries hold one user or hundreds,
 * which only the last reads tell. Follows larger entries at once and smaller ones by halves.
 */
export class ReadSize {
  #rowsAnEntry = FIRST_ROWS_AN_ENTRY;

  constructor(private readonly rowsMax: number) {}

  get entries(): number {
    return Math.max(1, Math.min(ENTRIES_MOST, Math.ceil(this.rowsMax / this.#rowsAnEntry)));
  }

  observe(entries: number, rows: number): void {
    if (entries > 0) this.#rowsAnEntry = Math.max(1, rows / entries, this.#rowsAnEntry / 2);
  }
}
