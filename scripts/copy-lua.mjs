// tsc leaves .lua files behind: put them beside the compiled loader. Fails when there is none.
import { cpSync, readdirSync } from 'node:fs';

const from = 'api/src/redis/commands';
const scripts = readdirSync(from).filter((name) => name.endsWith('.lua'));
if (scripts.length === 0) throw new Error(`no .lua file in ${from}`);
for (const name of scripts) cpSync(`${from}/${name}`, `dist/${from}/${name}`);
