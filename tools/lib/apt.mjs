import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const BACKPORTS_FILE = '/etc/apt/sources.list.d/graft-backports.sources';

/** The entries of a deb822 file: one object a paragraph, field names in lower case, continued lines joined. */
function parseDeb822(text) {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => {
      const fields = {};
      let last;
      for (const line of paragraph.split('\n')) {
        if (line.startsWith('#') || line.trim() === '') continue;
        const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
        if (field) fields[(last = field[1].toLowerCase())] = field[2].trim();
        else if (last) fields[last] += `\n${line}`;
      }
      return fields;
    })
    .filter((fields) => fields.types?.split(/\s+/).includes('deb') && fields.enabled?.toLowerCase() !== 'no')
    .map((fields) => ({
      uri: fields.uris?.split(/\s+/)[0],
      suites: fields.suites?.split(/\s+/) ?? [],
      signedBy: fields['signed-by'],
    }));
}

/** The entries of a one-line-format file: `deb [signed-by=…] uri suite components`. */
function parseOneLine(text) {
  return text
    .split('\n')
    .map((line) => /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)/.exec(line))
    .filter((match) => match !== null)
    .map(([, options, uri, suite]) => ({ uri, suites: [suite], signedBy: /signed-by=(\S+)/.exec(options ?? '')?.[1] }));
}

/** What the machine's apt sources hold, as { uri, suites, signedBy } each. `folder` is /etc/apt outside tests. */
export function readAptSources(folder = '/etc/apt') {
  const parts = join(folder, 'sources.list.d');
  const files = [
    join(folder, 'sources.list'),
    ...(existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : []),
  ];
  return files
    .filter((file) => existsSync(file))
    .flatMap((file) => {
      if (file.endsWith('.sources')) return parseDeb822(readFileSync(file, 'utf8'));
      return file.endsWith('.list') ? parseOneLine(readFileSync(file, 'utf8')) : [];
    });
}

/** A sources entry for bookworm-backports from the same place as bookworm itself; undefined where it stands already or there is no bookworm. */
export function backportsEntry(sources) {
  if (sources.some((source) => source.suites.includes('bookworm-backports'))) return undefined;
  const release = sources.find((source) => source.suites.includes('bookworm'));
  if (!release) return undefined;
  const lines = ['Types: deb', `URIs: ${release.uri}`, 'Suites: bookworm-backports', 'Components: main'];
  if (release.signedBy) lines.push(`Signed-By: ${release.signedBy}`);
  return `${lines.join('\n')}\n`;
}

function mayUseApt() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

function aptGet(...args) {
  return run('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

function install(packages, release) {
  const from = release ? ['--target-release', release] : [];
  return aptGet('install', '--yes', '--no-install-recommends', ...from, ...packages);
}

function helpByHand(what) {
  return (
    `${what} is missing and cannot be installed from here; as root on Debian bookworm, with bookworm-backports among the apt sources, run: ` +
    'apt-get update && apt-get install chromium libvulkan1 && apt-get install -t bookworm-backports mesa-vulkan-drivers'
  );
}

/**
 * Installs Chromium and/or the Vulkan loader with Mesa's software driver, from the machine's own apt sources. On bookworm Mesa comes from its
 * backports, because the release's own 22.3.6 lacks what WebGPU needs. Throws one sentence with the commands where that is not possible.
 */
export async function installWithApt({ chromium, vulkan }) {
  const what = [chromium && 'Chromium', vulkan && 'a software Vulkan driver'].filter(Boolean).join(' and ');
  if (!mayUseApt()) throw new Error(helpByHand(what));
  console.log(`Installing ${what} with apt …`);
  const sources = readAptSources();
  const entry = vulkan ? backportsEntry(sources) : undefined;
  if (entry) writeFileSync(BACKPORTS_FILE, entry);
  const onBookworm = sources.some((source) => source.suites.includes('bookworm'));
  await aptGet('update'); // fails as a whole when one unrelated source is away; what matters is whether the packages come
  const installed =
    (!chromium || (await install(['chromium'])) === 0) &&
    (!vulkan ||
      (await install(['libvulkan1', 'mesa-vulkan-drivers'], onBookworm ? 'bookworm-backports' : undefined)) === 0);
  if (!installed) throw new Error(helpByHand(what));
}
