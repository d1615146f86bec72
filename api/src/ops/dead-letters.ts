import type { DeadLetter } from '../coupon/types.js';
import { streamKey } from '../redis/keys.js';
import { OperatorError, UsageError, type Operator } from './operator.js';

const USAGE = 'dead-letters list | dead-letters replay (--id ID | --all) | dead-letters drop --id ID';

interface LetterChoice {
  /** As `list` prints it. */
  id?: string | undefined;
  all?: boolean | undefined;
}

/** `replay` hands the entries to the workers once more; `drop` forgets one for ever. */
export async function handleDeadLetters(
  operator: Operator,
  action: string | undefined,
  choice: LetterChoice,
): Promise<void> {
  switch (action) {
    case 'list':
      for await (const letter of operator.letters.list())
        await operator.print({ ...letter, id: String(letter.id) });
      return;
    case 'replay':
      return forChosen(operator, choice, (letter) => replayDeadLetter(operator, letter), 'replayed');
    case 'drop':
      if (choice.all) throw new UsageError(`Dropping is for one letter at a time: ${USAGE}`);
      return forChosen(operator, choice, ({ id }) => operator.letters.remove(id), 'dropped');
    default:
      throw new UsageError(`Usage: ${USAGE}`);
  }
}

/** Back into its stream, then the letter goes: a crash in between leaves both, and writing a row twice is harmless. */
export async function replayDeadLetter(
  { redis, letters }: Pick<Operator, 'redis' | 'letters'>,
  { id, partition, fields }: DeadLetter,
): Promise<void> {
  // Without its version: an entry of version 1, which is not counted out of the backlog a second time.
  const uncounted = fields.flatMap((_, i) =>
    i % 2 === 0 && fields[i] !== 'v' ? fields.slice(i, i + 2) : [],
  );
  await redis.xadd(streamKey(partition), '*', ...uncounted);
  await letters.remove(id);
}

async function forChosen(
  { letters, print }: Operator,
  { id, all }: LetterChoice,
  work: (letter: DeadLetter) => Promise<void>,
  done: string,
): Promise<void> {
  if ((id === undefined) === !all) throw new UsageError(`Say which: ${USAGE}`);
  // All first: a letter that fails again comes back as a new one, which is not for this run.
  const chosen: DeadLetter[] = [];
  for await (const letter of letters.list()) if (all || String(letter.id) === id) chosen.push(letter);
  if (!all && chosen.length === 0)
    throw new OperatorError(`There is no dead letter ${id}: see dead-letters list.`);
  for (const letter of chosen) {
    await work(letter);
    await print({ id: String(letter.id), [done]: true });
  }
}
