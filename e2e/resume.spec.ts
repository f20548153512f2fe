import { expect, test } from '@playwright/test';
import { join } from 'node:path';
import { chartTable, training } from './studio.ts';

const demo = join(import.meta.dirname, '..', 'public', 'demo');

test.setTimeout(420_000);

test('a run on an own model and own data goes on after a reload, from its last checkpoint', async ({ page }) => {
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto('./');
  await page.getByRole('button', { name: 'Choose a model folder' }).setInputFiles(join(demo, 'model'));
  await expect(page.getByText('LlamaForCausalLM, of the llama family')).toBeVisible();
  await expect(page.getByText('Can be trained')).toBeVisible();
  await expect(page.getByRole('switch', { name: 'Keep on this device' })).toBeChecked();

  await page.getByRole('link', { name: 'Data', exact: false }).first().click();
  await page.getByRole('button', { name: 'Choose data files' }).setInputFiles(join(demo, 'data.jsonl'));
  await expect(page.getByRole('tab', { name: 'Tokens' })).toBeVisible();
  await page.getByLabel('Maximum length').fill('32');

  await page.getByRole('link', { name: '3 Method' }).click();
  await page.getByLabel('Steps', { exact: true }).fill('16');
  await page.getByLabel('Batch size').fill('2');
  await page.getByText('Advanced').last().click();
  await page.getByLabel('Checkpoint every').fill('2');
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByText(/^Step ([4-9]|1\d)$/)).toBeVisible(training);

  await page.reload();
  const resume = page.getByRole('button', { name: /^Resume from step \d+ \(saved/ });
  await expect(resume).toBeVisible();
  const step = Number(/step (\d+)/.exec(await resume.innerText())?.[1]);
  expect(step).toBeGreaterThanOrEqual(4);
  await resume.click();
  await expect(page.getByRole('heading', { name: 'Your adapter is ready' })).toBeVisible(training);
  const [, ...rates] = await chartTable(page, 'Learning rate');
  expect(rates.map(([at]) => Number(at))).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  await expect(page.getByRole('link', { name: /Model model/ })).toBeVisible();
});
