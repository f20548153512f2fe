import { findForbiddenImports } from './arrows.ts';

const found = await findForbiddenImports(process.cwd());
for (const line of found) console.error(line);
console.log(found.length === 0 ? 'Every import follows the arrows.' : `${found.length} imports go against the arrows.`);
process.exitCode = found.length === 0 ? 0 : 1;
