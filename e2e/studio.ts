import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Download, type Page } from '@playwright/test';
import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';

/** Slow machines compile kernels for a minute, and train at a step a second. */
export const training = { timeout: 300_000 };

export async function openSample(page: Page): Promise<void> {
  await page.goto('./');
  await page.getByRole('button', { name: 'Try the sample' }).click();
  await expect(page.getByRole('button', { name: 'Start training' })).toBeEnabled();
}

/**
 * What axe finds on the page, as 'rule: element'.
 * @param opensFolds looks into what is folded away, too
 */
export async function violations(page: Page, { opensFolds = false } = {}): Promise<string[]> {
  if (opensFolds) await page.evaluate(() => document.querySelectorAll('details').forEach((fold) => (fold.open = true)));
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

/** The rows of a chart's table, first the head; charts are drawn for the eye, tables are there to be read. */
export async function chartTable(page: Page, chart: string): Promise<string[][]> {
  const region = page.getByRole('region', { name: `${chart} by step` });
  if (!(await region.isVisible())) await page.getByText(`Show as a table: ${chart}`).click();
  await expect(region).toBeVisible();
  const rows = await region.getByRole('row').all();
  return Promise.all(rows.map((row) => row.locator('th, td').allInnerTexts()));
}

/** Names and bytes of the files in a downloaded zip. */
export async function unzipDownload(download: Download): Promise<Record<string, Uint8Array>> {
  return unzipSync(await readFile(await download.path()));
}
