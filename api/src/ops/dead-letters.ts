import { deadLetterKey } from '../redis/keys.js';
import { listDeadLetters, replayDeadLetter, type DeadLetter } from '../worker/dead-letters.js';
import { OperatorError, UsageError, type Operator } from './operator.js';

const USAGE = 'dead-letters list | dead-letters replay (--id ID | --all) | dead-letters drop --id ID';

export interface LetterChoice {
  /** As `list` prints it: `partition/id`. */
  id?: string | undefined;
  all?: boolean | undefined;
}

const idOf = ({ partition, id }: DeadLetter): string => `${partition}/${id}`;

/** `replay` hands the entries to the workers once more; `drop` forgets one for ever. */
export async function handleDeadLetters(
  operator: Operator,
  action: string | undefined,
  choice: LetterChoice,
): Promise<void> {
  switch (action) {
    case 'list':
      for await (const letter of listDeadLetters(operator.redis)) {
        await operator.print({ ...letter, id: idOf(letter) });
      }
      return;
    case 'replay':
      return forChosen(operator, choice, (letter) => replayDeadLetter(operator.redis, letter), 'replayed');
    case 'drop':
      if (choice.all) throw new UsageError(`Dropping is for one letter at a time: ${USAGE}`);
      return forChosen(operator, choice, drop(operator), 'dropped');
    default:
      throw new UsageError(`Usage: ${USAGE}`);
  }
}

const drop = (operator: Operator) => async (letter: DeadLetter) => {
  await operator.redis.xdel(deadLetterKey(letter.partition), letter.id);
};

async function forChosen(
  { redis, print }: Operator,
  { id, all }: LetterChoice,
  work: (letter: DeadLetter) => Promise<void>,
  done: string,
): Promise<void> {
  if ((id === undefined) === !all) throw new UsageError(`Say which: ${USAGE}`);
  // All first: a letter that fails again comes back as a new one, which is not for this run.
  const letters: DeadLetter[] = [];
  for await (const letter of listDeadLetters(redis)) if (all || idOf(letter) === id) letters.push(letter);
  if (!all && letters.length === 0)
    throw new OperatorError(`There is no dead letter ${id}: see dead-letters list.`);
  for (const letter of letters) {
    await work(letter);
    await print({ id: idOf(letter), [done]: true });
  }
}
