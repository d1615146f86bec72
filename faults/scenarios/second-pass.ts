import { requireMode } from '../../stack/types.js';
import { untilServedBy } from '../compose-nginx.js';
import { readAccessLog } from '../nginx-log.js';
import type { FaultScenario } from '../scenario.js';

const WAITING = 30;
const RATE = 150;
/** So many calls at the same moment that least_conn gives the hanging replica its share. */
const BURST_RATE = 9_000;
/** On a slow machine the burst would be one, which is the subject of scenario 23. */
const NO_OVERLOAD = { ISSUE_RUSH_MAX: '10000000', ISSUE_QUEUE_MAX_MS: '600000' };
/** Calls that went through nginx's second pass. */
let secondPasses = 0;

/**
 * The hole of nginx/nginx#1656: calls wait for a replica that hangs, the list of replicas changes under them, and only then
 * they have to be passed on. In that pass nginx knows no replica any more: without `@issue_again` they would get a 502.
 */
export const listChanges: FaultScenario = {
  number: 24,
  fault: 'a replica hangs, and the list of replicas changes under the calls that wait for it',
  shape: () => ({ api: 3, worker: 1, env: NO_OVERLOAD }),
  rate: RATE,
  sellsOutAfterMs: null,
  modes: ['compose'],
  clientsNoticeNothing: true,
  async execute({ environment, client, inject, times, note }) {
    const stack = requireMode(environment.stack, 'compose');
    const [hanging, returning] = [await stack.service('api-1'), await stack.service('api-3')];
    const since = new Date();
    for (let i = 0; i < times(3); i += 1) {
      await returning.stop();
      await untilServedBy(stack, 2);
      await inject(
        'freeze api-1, and api-3 comes back',
        async () => {
          await hanging.freeze();
          client.setRate(BURST_RATE);
          await client.moreDecided(WAITING);
          client.setRate(0);
          await client.untilWaiting(WAITING);
          await returning.start();
          await client.untilNobodyWaits();
          client.setRate(RATE);
        },
        () => hanging.thaw(),
      );
      await untilServedBy(stack, 3);
    }
    secondPasses = (await readAccessLog(stack, since)).secondPass;
    note(`${secondPasses} calls were answered in a second pass of nginx`);
  },
  check: () => (secondPasses > 0 ? [] : ['no call needed a second pass: the hole was not met']),
};
