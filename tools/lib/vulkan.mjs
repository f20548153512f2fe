import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumFolders } from './chromium.mjs';
import { capture } from './run.mjs';

const ICD_FOLDERS = [
  '/usr/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/local/etc/vulkan/icd.d',
];
const PROBE = fileURLToPath(new URL('./probeAdapter.mjs', import.meta.url));

/** ICD files of Mesa's lavapipe on this machine. */
export function lavapipeFiles(folders = ICD_FOLDERS) {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => /[\\/]lvp_icd[^\\/]*\.json$/.test(path));
}

/** ICD files of the SwiftShader that comes with a Chromium. */
export function swiftShaderFiles(chromium) {
  return chromiumFolders(chromium)
    .map((folder) => join(folder, 'vk_swiftshader_icd.json'))
    .filter((path) => existsSync(path));
}

/**
 * The adapter that Dawn opens through an ICD file, as { vendor, device, description }; undefined where it opens none. Without a file,
 * the machine's own choice. Asked in a process of its own: Dawn refuses drivers that are too old, and a bad driver may end the process.
 */
export async function probeAdapter(icdFile) {
  const env = icdFile ? { ...process.env, VK_ICD_FILENAMES: icdFile } : process.env;
  const { code, stdout } = await capture(process.execPath, [PROBE], { env, timeout: 60_000 });
  return code === 0 ? JSON.parse(stdout) : undefined;
}

/** The first of the ICD files that works, with its adapter, as { icdFile, adapter }. */
export async function firstWorkingDriver(icdFiles) {
  for (const icdFile of icdFiles) {
    const adapter = await probeAdapter(icdFile);
    if (adapter) return { icdFile, adapter };
  }
  return undefined;
}
