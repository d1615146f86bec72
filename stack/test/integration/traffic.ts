import { Agent, request } from 'node:http';

export interface Traffic {
  /** Ends the traffic. @returns how often each status, or each error, was seen */
  stop(): Promise<Record<string, number>>;
}

function issue(agent: Agent, url: string, userId: string): Promise<string> {
  return new Promise((resolve) => {
    const call = request(url, { method: 'POST', agent, headers: { 'x-user-id': userId } }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)));
      answer.on('error', (error) => resolve(`broken answer: ${error.message}`));
    });
    call.on('error', (error) => resolve(error.message));
    call.end();
  });
}

/** Issue calls of ever new users over kept connections, without a pause, until it is stopped. */
export function startTraffic(url: string, connections: number, prefix: string): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const seen: Record<string, number> = {};
  let [going, users] = [true, 0];
  const client = async () => {
    while (going) {
      users += 1;
      const outcome = await issue(agent, url, `${prefix}${users}`);
      seen[outcome] = (seen[outcome] ?? 0) + 1;
    }
  };
  const clients = Array.from({ length: connections }, client);
  return {
    stop: async () => {
      going = false;
      await Promise.all(clients);
      agent.destroy();
      return seen;
    },
  };
}
