import { installWithApt } from './apt.mjs';
import { findChromium } from './chromium.mjs';
import { firstWorkingDriver, lavapipeFiles, probeAdapter, swiftShaderFiles } from './vulkan.mjs';

async function lavapipeDriver() {
  const named = process.env.VK_ICD_FILENAMES ? [process.env.VK_ICD_FILENAMES] : [];
  return firstWorkingDriver([...named, ...lavapipeFiles()]);
}

/** The machine's own GPU, where Dawn finds one without being pointed at a driver (macOS, Windows, a desktop). */
async function ownGpu() {
  const adapter = await probeAdapter(undefined);
  return adapter ? { icdFile: null, adapter } : undefined;
}

function announce(what, found) {
  if (found)
    console.log(
      `${what}: ${found.adapter.description || found.adapter.device} (${found.icdFile ?? 'the machine itself'})`,
    );
}

/**
 * Finds what the stages need among 'chromium', 'lavapipe' and 'swiftShader', and installs what is missing where apt may be used. What
 * stays missing is undefined in the answer, and its sentence is in `missing`.
 */
export async function prepareMachine(root, needs) {
  const missing = [];
  let chromium = findChromium();
  let driver = needs.has('lavapipe') ? await lavapipeDriver() : undefined;
  const wanted = {
    chromium: !chromium && (needs.has('chromium') || needs.has('swiftShader')),
    vulkan: needs.has('lavapipe') && !driver && process.platform === 'linux',
  };
  if (wanted.chromium || wanted.vulkan) {
    await installWithApt(wanted).catch((error) => missing.push(error.message));
    chromium = findChromium();
    if (wanted.vulkan) driver = await lavapipeDriver();
  }
  if (needs.has('lavapipe')) driver ??= await ownGpu();
  const second = needs.has('swiftShader') ? await firstWorkingDriver(swiftShaderFiles(chromium)) : undefined;
  if (chromium) console.log(`Browser: ${chromium}`);
  announce('Kernel tests', driver);
  announce('Second implementation', second);
  return { root, chromium, lavapipe: driver?.icdFile, swiftShader: second?.icdFile, missing };
}
