import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { backportsEntry, readAptSources } from './apt.mjs';

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apt-'));
  mkdirSync(join(folder, 'sources.list.d'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name, text) => writeFileSync(join(folder, name), text);

test('a deb822 file gives the place and the key of bookworm', () => {
  write(
    'sources.list.d/debian.sources',
    `Types: deb
# a note
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`,
  );
  expect(backportsEntry(readAptSources(folder))).toBe(
    `Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  );
});

test('a one-line sources.list gives them too, with and without options', () => {
  write(
    'sources.list',
    '# deb http://old.example/debian bookworm main\ndeb-src http://a.example/debian bookworm main\n',
  );
  expect(backportsEntry(readAptSources(folder))).toBeUndefined();
  write('sources.list', 'deb http://plain.example/debian bookworm main contrib\n');
  expect(backportsEntry(readAptSources(folder))).toBe(
    'Types: deb\nURIs: http://plain.example/debian\nSuites: bookworm-backports\nComponents: main\n',
  );
  write('sources.list', 'deb [arch=amd64 signed-by=/etc/apt/keyrings/k.gpg] https://b.example/debian/ bookworm main\n');
  expect(backportsEntry(readAptSources(folder))).toBe(
    'Types: deb\nURIs: https://b.example/debian/\nSuites: bookworm-backports\nComponents: main\nSigned-By: /etc/apt/keyrings/k.gpg\n',
  );
});

test('nothing is added where backports stand already, or to another release', () => {
  write(
    'sources.list',
    'deb http://a.example/debian bookworm main\ndeb http://a.example/debian bookworm-backports main\n',
  );
  expect(backportsEntry(readAptSources(folder))).toBeUndefined();
  write('sources.list', 'deb http://a.example/debian trixie main\n');
  expect(backportsEntry(readAptSources(folder))).toBeUndefined();
});

test('entries that are switched off, or of sources alone, do not count', () => {
  const entry = 'URIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n';
  write('sources.list.d/a.sources', `Enabled: no\nTypes: deb\n${entry}\nTypes: deb-src\n${entry}`);
  write('sources.list.d/b.sources.disabled', `Types: deb\n${entry}`);
  expect(readAptSources(folder)).toEqual([]);
});

test('a key that is written out in the file is carried over whole', () => {
  const key = ' -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----';
  write(
    'sources.list.d/a.sources',
    `Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n${key}\n`,
  );
  expect(backportsEntry(readAptSources(folder))).toContain(`Signed-By: \n${key}\n`);
});
