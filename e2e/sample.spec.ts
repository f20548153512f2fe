import { expect, test } from '@playwright/test';
import { chartTable, openSample, training, unzipDownload } from './studio.ts';

test.setTimeout(420_000);

test('a newcomer gets from the open page to a downloaded adapter', async ({ page }) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await openSample(page);
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByRole('heading', { name: 'Your adapter is ready' })).toBeVisible(training);

  const [, ...losses] = await chartTable(page, 'Loss');
  const values = losses.map(([, loss]) => Number(loss));
  expect(values).toHaveLength(40);
  expect(values.at(-1)).toBeLessThan((values[0] ?? 0) / 4);

  await page.getByRole('button', { name: 'Compare in Playground' }).click();
  await page.getByText('Sampling').click();
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Prompt').fill('When should I plant tomatoes?');
  await page.keyboard.press('Control+Enter');
  const base = page.getByRole('region', { name: 'Base' });
  const tuned = page.getByRole('region', { name: 'Tuned' });
  await expect(base.getByText('a second,')).toBeVisible(training);
  await expect(tuned.getByText('a second,')).toBeVisible(training);
  // The data teach a pirate's voice; the base side must stay as it was.
  await expect(tuned).toContainText('Arr!');
  await expect(base).not.toContainText('Arr!');
  await expect(base).toContainText('May');

  await page.getByRole('link', { name: 'Library' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Download Graft sample/ }).click(),
  ]);
  const files = await unzipDownload(download);
  expect(Object.keys(files).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'metrics.jsonl',
    'run.yaml',
  ]);
  const config: unknown = JSON.parse(new TextDecoder().decode(files['adapter_config.json']));
  expect(config).toMatchObject({ peft_type: 'LORA', r: 8, target_modules: ['q_proj', 'v_proj'] });
  expect(errors).toEqual([]);
});

test('a run can be paused and thrown away', async ({ page }) => {
  await openSample(page);
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible(training);
  await page.getByRole('heading', { name: 'Training' }).click();
  await page.keyboard.press('p');
  await expect(page.getByText(/^Paused at step/)).toBeVisible();
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('Learning', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'Discard the run' }).click();
  await expect(page.getByText('No run yet').first()).toBeVisible(training);
  await page.getByRole('link', { name: 'Library' }).click();
  await expect(page.getByText('Each run you start is listed here')).toBeVisible();
});
