import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const OLDEST_NODE = [20, 19];

/** Throws one sentence when this Node is older than the parts need. */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new Error(
      `Graft needs Node ${OLDEST_NODE.join('.')} or newer and this is ${version}; get one from https://nodejs.org.`,
    );
  }
}

/** True when node_modules holds what the lock file asks for: our stamp says so, or npm's own record is younger than the lock. */
function isInstalled(root, lockHash) {
  const stamp = join(root, 'node_modules', '.graft-lock');
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === lockHash;
  return statSync(record).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** Runs `npm ci` where node_modules is missing or older than the lock file. */
export async function installDependencies(root) {
  const lockHash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (isInstalled(root, lockHash)) return;
  console.log('Installing dependencies (npm ci) …');
  const code = await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root });
  if (code !== 0)
    throw new Error('npm ci failed; its own message above says why. Check the network and run the command again.');
  writeFileSync(join(root, 'node_modules', '.graft-lock'), lockHash);
}
