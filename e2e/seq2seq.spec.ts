import { expect, test } from '@playwright/test';
import { join } from 'node:path';
import { training, unzipDownload, violations } from './studio.ts';

const models = join(import.meta.dirname, '..', 'tests', 'fixtures', 'parity', 'models');

test.setTimeout(420_000);

test('an mT5 folder learns to turn sources into targets, is asked beside the base model, and is downloaded', async ({
  page,
}) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto('./');
  await page.getByRole('button', { name: 'Choose a model folder' }).setInputFiles(join(models, 'mt5'));
  await expect(page.getByText('Can turn texts into others')).toBeVisible();
  await expect(page.getByText('reads a source and writes a target')).toBeVisible();

  await page.getByRole('link', { name: '2 Data' }).click();
  const words = ['orchard', 'ladder', 'basket', 'blossom'];
  const rows = words.flatMap((a) => words.map((b) => `"${a} ${b}","${b} ${a}"`));
  const csv = ['source,target', ...rows].join('\n');
  const file = { name: 'pairs.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) };
  await page.getByRole('button', { name: 'Choose data files' }).setInputFiles(file);
  await expect(page.getByText('csv: source and target')).toBeVisible();
  const row = page.getByRole('tabpanel');
  await page.getByRole('button', { name: 'Next row' }).click();
  await expect(row).toHaveText(/Source, which is read.*orchard ladder.*Target, which is learned.*ladder orchard/s);
  await expect(row.getByText('Learned', { exact: true })).toBeVisible();
  await page.getByRole('tab', { name: 'Rendered' }).click();
  await expect(row).toHaveText('Source, which is readorchard ladderTarget, which is learnedladder orchard');
  expect(await violations(page), 'data').toEqual([]);

  await page.getByRole('link', { name: '3 Method' }).click();
  await page.getByLabel('Steps', { exact: true }).fill('4');
  await page.getByLabel('Batch size', { exact: true }).fill('4');
  await page.getByLabel('Learning rate', { exact: true }).fill('0.01');
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByRole('heading', { name: 'Your adapter is ready' })).toBeVisible(training);

  await page.getByRole('button', { name: 'Compare in Playground' }).click();
  await page.getByLabel('Source').fill('basket orchard');
  await page.getByRole('button', { name: 'Send' }).click();
  for (const side of ['Base', 'Tuned'])
    await expect(page.getByRole('region', { name: side })).toContainText('tokens at', training);
  expect(await violations(page), 'playground').toEqual([]);

  await page.getByRole('link', { name: 'Library' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Download the adapter of / }).click(),
  ]);
  const files = await unzipDownload(download);
  expect(Object.keys(files)).toContain('adapter_model.safetensors');
  const config = JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as unknown;
  expect(config).toMatchObject({ peft_type: 'LORA', task_type: 'SEQ_2_SEQ_LM' });
  expect(errors).toEqual([]);
});
