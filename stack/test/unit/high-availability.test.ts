import { delimiter, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectRoot } from '../../../common/paths.js';
import { composeFiles } from '../../compose/files.js';
import { openStack } from '../../open-stack.js';

const project = `no-such-project-${process.pid}`;
const file = (name: string): string => join(projectRoot, name);
const [plain, ha] = [file('docker-compose.yml'), file('docker-compose.ha.yml')];

describe('HA=1', () => {
  it('adds the high-availability set to what compose reads, once', async () => {
    expect(await composeFiles(project, { HA: '1' })).toBe([plain, ha].join(delimiter));
    expect(await composeFiles(project, { HA: '1', COMPOSE_FILE: 'a.yml' })).toBe(
      ['a.yml', ha].join(delimiter),
    );
    expect(await composeFiles(project, { HA: '1', COMPOSE_FILE: `${plain}${delimiter}${ha}` })).toBe(
      [plain, ha].join(delimiter),
    );
  });

  it('is off when nobody asks for it, and no other word is taken for it', async () => {
    expect(await composeFiles(project, {})).toBe(plain);
    expect(await composeFiles(project, { HA: '0' })).toBe(plain);
    await expect(composeFiles(project, { HA: 'yes' })).rejects.toThrow(/HA is 0 or 1/);
  });

  it('is refused in native mode, instead of starting one Redis', async () => {
    await expect(openStack({ mode: 'native', env: { HA: '1' } })).rejects.toThrow(/needs a Docker engine/);
  });
});
