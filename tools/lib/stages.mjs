import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

/**
 * The stages of `npm test`, in order. `needs` says what a stage wants of the machine; `run` gives { passed, failed }. A machine is
 * { root, chromium, lavapipe, swiftShader }, where the last two are ICD files, or null for the machine's own GPU.
 */
export const stages = [
  { name: 'types', needs: [], run: ({ root }) => check(root, 'typescript/bin/tsc', ['--noEmit', '-p', '.']) },
  { name: 'lint', needs: [], run: ({ root }) => check(root, 'eslint/bin/eslint.js', ['.']) },
  { name: 'arrows', needs: [], run: ({ root }) => check(root, 'tsx/dist/cli.mjs', ['tools/checkArrows.ts']) },
  { name: 'unit', needs: [], run: ({ root }) => vitest(root, 'unit', {}) },
  { name: 'gpu', needs: ['lavapipe'], run: ({ root, lavapipe }) => vitest(root, 'gpu', driverEnv(root, lavapipe)) },
  {
    // every kernel once more; whole runs on this driver are the browser's
    name: 'swiftshader',
    needs: ['swiftShader'],
    run: ({ root, swiftShader }) => vitest(root, 'gpu', driverEnv(root, swiftShader), ['src/']),
  },
  {
    name: 'parity',
    needs: ['lavapipe'],
    run: ({ root, lavapipe }) => vitest(root, 'parity', driverEnv(root, lavapipe)),
  },
  { name: 'browser', needs: ['chromium'], run: ({ root, chromium }) => playwright(root, chromium) },
];

/** A stage that is one yes-or-no question counts as one test. */
async function check(root, program, args) {
  const code = await runProgram(root, program, args, {});
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
}

function runProgram(root, program, args, env) {
  const merged = { ...process.env, ...env };
  return run(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    env: merged,
    shell: false,
  });
}

/** Which driver Dawn opens, and where Mesa keeps its compiled shaders from run to run: without that each pipeline costs about 0.3 s again. */
function driverEnv(root, icdFile) {
  const cache = join(root, '.cache', 'mesa');
  mkdirSync(cache, { recursive: true });
  return { ...(icdFile ? { VK_ICD_FILENAMES: icdFile } : {}), MESA_SHADER_CACHE_DIR: cache };
}

/** An empty place for a runner's report of this run. */
function reportFile(root, name) {
  const folder = join(root, '.cache', 'reports');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  rmSync(file, { force: true });
  return file;
}

/** A runner that ended badly without naming a failed test has crashed, and that is one failure. */
function withCrash(code, { passed, failed }) {
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/** @param paths parts of the test files' paths; all files where none is given */
async function vitest(root, project, env, paths = []) {
  const file = reportFile(root, project);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const code = await runProgram(
    root,
    'vitest/vitest.mjs',
    ['run', '--project', project, '--passWithNoTests', ...reporters, ...paths],
    env,
  );
  return withCrash(
    code,
    existsSync(file) ? countVitest(JSON.parse(readFileSync(file, 'utf8'))) : { passed: 0, failed: 0 },
  );
}

/**
 * Counts of vitest's JSON report. A test that never ended (its process died) is a failure, and so is a file that failed before any of its
 * tests could (a broken import, a failed hook).
 */
export function countVitest({ testResults }) {
  const statuses = testResults.map((file) => file.assertionResults.map((test) => test.status));
  const count = (...wanted) => statuses.flat().filter((status) => wanted.includes(status)).length;
  const brokenFiles = testResults.filter((file, i) => file.status === 'failed' && !statuses[i].includes('failed'));
  return { passed: count('passed'), failed: count('failed', 'pending') + brokenFiles.length };
}

async function playwright(root, chromium) {
  const file = reportFile(root, 'browser');
  const env = { CHROMIUM: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: file };
  const args = ['test', '--reporter=list,json', '--pass-with-no-tests'];
  const code = await runProgram(root, '@playwright/test/cli.js', args, env);
  return withCrash(
    code,
    existsSync(file) ? countPlaywright(JSON.parse(readFileSync(file, 'utf8'))) : { passed: 0, failed: 0 },
  );
}

/** Counts of Playwright's JSON report; errors outside any test (a broken file, a server that did not start) are failures too. */
export function countPlaywright({ stats, errors }) {
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected + errors.length };
}
