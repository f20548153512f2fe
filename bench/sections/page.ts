// Graft's kernels against jax-js, onnxruntime-web and TensorFlow.js, all in one page of Chromium.
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { build, preview } from 'vite';
import { findChromium } from '../../tools/lib/chromium.mjs';
import { readArguments, rounds } from '../arguments.ts';
import type { Outcome } from '../contest.ts';
import { products } from '../shapes.ts';
import { printOutcomes } from '../table.ts';

const flags = [
  '--enable-unsafe-webgpu',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // a peer's product may take longer on a software driver than Chromium lets a GPU be silent
  '--disable-gpu-watchdog',
];

async function competeInPage(url: string, executablePath: string): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: flags });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => console.error(message.text()));
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(url);
    const device = await page.evaluate(async () => (await window.benchmark).device);
    const outcomes: Outcome[] = [];
    for (const product of products(readArguments(process.argv.slice(2)).all)) {
      const task = [product, rounds] as const;
      outcomes.push(
        await page.evaluate(async ([asked, count]) => (await window.benchmark).compete(asked, count), task),
      );
    }
    printOutcomes(`Chromium ${browser.version()}, ${device}`, outcomes);
  } finally {
    await browser.close();
  }
}

const executablePath = findChromium();
if (!executablePath) throw new Error('No Chromium was found; install one or name it in CHROMIUM.');
const outDir = fileURLToPath(new URL('../../.cache/bench/', import.meta.url));
const config = {
  configFile: false,
  root: fileURLToPath(new URL('../page/', import.meta.url)),
  base: './',
  logLevel: 'error',
} as const;
await build({ ...config, build: { outDir, emptyOutDir: true, target: 'es2023', chunkSizeWarningLimit: 4000 } });
const server = await preview({ ...config, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } });
await competeInPage(server.resolvedUrls?.local[0] ?? '', executablePath);
process.exit(0);
