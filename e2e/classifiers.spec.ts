import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { join } from 'node:path';
import { training, unzipDownload } from './studio.ts';

const parity = join(import.meta.dirname, '..', 'tests', 'fixtures', 'parity');

test.setTimeout(420_000);

async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

async function openModel(page: Page, folder: string): Promise<void> {
  await page.goto('./');
  await page.getByRole('button', { name: 'Choose a model folder' }).setInputFiles(join(parity, 'models', folder));
  await expect(page.getByText('Can be trained')).toBeVisible();
  await expect(page.getByText('Can classify')).toBeVisible();
}

async function train(page: Page, steps: number): Promise<void> {
  await page.getByRole('link', { name: '3 Method' }).click();
  await page.getByLabel('Steps', { exact: true }).fill(String(steps));
  await page.getByLabel('Batch size', { exact: true }).fill('4');
  await page.getByLabel('Learning rate', { exact: true }).fill('0.01');
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByRole('heading', { name: 'Your adapter is ready' })).toBeVisible(training);
}

async function download(page: Page): Promise<Record<string, Uint8Array>> {
  await page.getByRole('link', { name: 'Library' }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Download the adapter of / }).click(),
  ]);
  return unzipDownload(file);
}

const jsonOf = (files: Record<string, Uint8Array>, name: string): unknown =>
  JSON.parse(new TextDecoder().decode(files[name]));

test('a BERT folder learns labels, tells them apart beside the base model, and is downloaded', async ({ page }) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await openModel(page, 'bert');
  await expect(page.getByText('BertForSequenceClassification reads a text as a whole')).toBeVisible();
  await page.getByRole('link', { name: '2 Data' }).click();
  const lines = Array.from({ length: 16 }, (_, i) =>
    JSON.stringify(
      i % 2 === 0 ? { text: 'orchard blossom cider', label: 'fruit' } : { text: 'hive early hive', label: 'honey' },
    ),
  );
  const file = { name: 'rows.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(lines.join('\n')) };
  await page.getByRole('button', { name: 'Choose data files' }).setInputFiles(file);
  await expect(page.getByRole('region', { name: '2 labels, by rows' })).toContainText('fruit');
  await page.getByLabel('Held out to evaluate').fill('0.25');
  await expect(page.getByText('4 held out to evaluate')).toBeVisible();
  expect(await violations(page), 'data').toEqual([]);

  await train(page, 12);
  const matrix = page.getByRole('region', { name: 'Confusion matrix' });
  await expect(matrix.getByRole('row', { name: /^fruit/ })).toBeVisible();
  await expect(page.getByText('Macro F1').first()).toBeVisible();
  expect(await violations(page), 'train').toEqual([]);

  await page.getByRole('button', { name: 'Compare in Playground' }).click();
  await page.getByLabel('Text').fill('orchard cider');
  await page.getByRole('button', { name: 'Classify' }).click();
  await expect(page.getByRole('region', { name: 'Tuned' }).getByRole('listitem')).toHaveCount(2, training);
  await expect(page.getByRole('region', { name: 'Base' }).getByText('LABEL_2')).toBeVisible();
  expect(await violations(page), 'playground').toEqual([]);

  const files = await download(page);
  expect(Object.keys(files)).toEqual(expect.arrayContaining(['adapter_model.safetensors', 'label_map.json']));
  expect(jsonOf(files, 'adapter_config.json')).toMatchObject({ peft_type: 'LORA', task_type: 'SEQ_CLS' });
  expect(jsonOf(files, 'label_map.json')).toMatchObject({ id2label: { 0: 'fruit', 1: 'honey' } });
  expect(errors).toEqual([]);
});

test('a ViT learns from a dropped folder of images and classifies one', async ({ page }) => {
  const images = join(parity, 'images', 'vit-lora', 'images');
  await openModel(page, 'vit');
  await page.getByRole('link', { name: '2 Data' }).click();
  await page.getByRole('button', { name: 'Choose a folder of images' }).setInputFiles(images);
  await expect(page.getByRole('img', { name: '0.png, labelled LABEL_0' })).toBeVisible();
  await expect(page.getByRole('img', { name: /labelled/ })).toHaveCount(8);
  expect(await violations(page), 'data').toEqual([]);

  await train(page, 4);
  await page.getByRole('button', { name: 'Compare in Playground' }).click();
  await page.getByRole('button', { name: 'Choose an image' }).setInputFiles(join(images, '0.png'));
  await page.getByRole('button', { name: 'Classify' }).click();
  await expect(page.getByRole('region', { name: 'Tuned' }).getByText('LABEL_0')).toBeVisible(training);
  expect(await violations(page), 'playground').toEqual([]);
  expect(jsonOf(await download(page), 'adapter_config.json')).toMatchObject({ task_type: null });
});
