import { findChromium } from '../tools/lib/chromium.mjs';
import { firstWorkingDriver, lavapipeFiles, probeAdapter, swiftShaderFiles } from '../tools/lib/vulkan.mjs';

/** A GPU that Dawn opens in Node; without a file it is the machine's own choice. */
export interface Driver {
  readonly icdFile: string | undefined;
}

/** What VK_ICD_FILENAMES names; else the machine's own GPU if it has one, and the software drivers that work. The fastest comes first. */
export async function findDrivers(): Promise<Driver[]> {
  const own = await probeAdapter();
  if (process.env['VK_ICD_FILENAMES']) return own ? [{ icdFile: undefined }] : [];
  const isHardware = own && !/swiftshader|llvmpipe|lavapipe|software/i.test(`${own.device} ${own.description}`);
  const software = [
    await firstWorkingDriver(lavapipeFiles()),
    await firstWorkingDriver(swiftShaderFiles(findChromium())),
  ].filter((driver) => driver !== undefined);
  const drivers = [...(isHardware ? [{ icdFile: undefined }] : []), ...software];
  if (drivers.length === 0) throw new Error('Dawn finds no GPU and no software driver in Node; see the README.');
  return drivers;
}
