import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readArguments, type Section } from './arguments.ts';
import { findDrivers, type Driver } from './drivers.ts';
import { installPeers } from './installPeers.ts';

/** Runs one part in a process of its own, since Dawn's driver is chosen once for a process. Resolves with its exit code. */
function runSection(section: Section, driver: Driver | undefined): Promise<number> {
  const file = fileURLToPath(new URL(`./sections/${section}.ts`, import.meta.url));
  const env = driver?.icdFile ? { ...process.env, VK_ICD_FILENAMES: driver.icdFile } : process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...process.argv.slice(2)], { env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function main(): Promise<number> {
  const { sections } = readArguments(process.argv.slice(2));
  if (sections.some((section) => section === 'page' || section === 'node')) installPeers();
  const drivers = await findDrivers();
  const [first] = drivers;
  let failed = 0;
  for (const section of sections)
    for (const driver of section === 'page' ? [undefined] : section === 'formats' ? drivers : [first])
      failed += (await runSection(section, driver)) === 0 ? 0 : 1;
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
