import { basename, delimiter, join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { docker } from './docker.js';

const HA_FILE = 'docker-compose.ha.yml';

const inRoot = (file: string): string => join(projectRoot, file);

/** Only a high-availability set has it. */
const SENTINEL_VOLUME = 'sentinel-1-data';

const hasVolume = async (project: string, volume: string): Promise<boolean> =>
  (await docker(['volume', 'ls', '--quiet', '--filter', `name=^${project}_${volume}$`])) !== '';

/**
 * COMPOSE_FILE: what the environment says, or docker-compose.yml, and docker-compose.ha.yml when HA=1 or when the project
 * has been a high-availability set before. Its newest data may be in any of three volumes: started as a single Redis, it
 * would go on from whatever the first one holds.
 *
 * @throws when HA=0 is asked for and the project is one
 */
export async function composeFiles(project: string, env: Readonly<Record<string, string>>): Promise<string> {
  const asked = env['HA'];
  if (asked !== undefined && asked !== '0' && asked !== '1') throw new Error(`HA is 0 or 1, not ${asked}`);
  const files = env['COMPOSE_FILE'] ?? inRoot('docker-compose.yml');
  if (files.split(delimiter).some((file) => basename(file) === HA_FILE)) return files;
  const was = asked !== '1' && (await hasVolume(project, SENTINEL_VOLUME).catch(() => false));
  if (was && asked === '0') {
    throw new Error(
      `${project} is a high-availability set, any of its three Redis may hold the newest data: see "Back to one Redis" in docs/runbook.md`,
    );
  }
  return asked === '1' || was ? [files, inRoot(HA_FILE)].join(delimiter) : files;
}
