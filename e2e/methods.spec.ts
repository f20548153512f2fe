import { expect, test, type Page } from '@playwright/test';
import { chartTable, openSample, training } from './studio.ts';

test.setTimeout(420_000);

async function chooseMethod(page: Page, search: string, name: RegExp): Promise<void> {
  await page.getByRole('link', { name: '3 Method' }).click();
  await page.getByLabel('Search methods').fill(search);
  await page.getByRole('radio', { name }).check();
}

/** Trains so many steps; the losses of all of them. */
async function train(page: Page, steps: number): Promise<number[]> {
  await page.getByLabel('Steps', { exact: true }).fill(String(steps));
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByRole('heading', { name: 'Your adapter is ready' })).toBeVisible(training);
  // the charts follow the run four times a second
  await expect.poll(async () => (await chartTable(page, 'Loss')).length).toBe(steps + 1);
  const [, ...losses] = await chartTable(page, 'Loss');
  return losses.map(([, loss]) => Number(loss));
}

test('another method trains, goes on in a second run, becomes LoRA and is blended', async ({ page }) => {
  await openSample(page);
  await chooseMethod(page, 'ia3', /^\(IA\)³/);
  await expect(page.getByRole('heading', { name: '(IA)³ settings' })).toBeVisible();
  await expect(page.getByText(/× plain LoRA on this run/)).toBeVisible();
  const first = await train(page, 6);

  await page.getByRole('button', { name: 'Continue from it' }).click();
  await expect(page.getByRole('heading', { name: /^Continues Graft sample · \(IA\)³/ })).toBeVisible();
  await expect(page.getByText('Scaled at the input')).toBeVisible();
  await expect(page.getByLabel('Search methods')).toHaveCount(0);
  const second = await train(page, 4);
  expect(second[0]).toBeLessThan(first[0] ?? 0);

  await page.getByRole('link', { name: 'Library' }).click();
  const convert = page.getByRole('button', { name: /^Convert .*\(IA\)³ · data.jsonl to LoRA$/ });
  await expect(convert).toHaveCount(2);
  for (const index of [0, 1]) {
    await convert.nth(index).click();
    await page.getByRole('button', { name: 'Convert', exact: true }).click();
    await expect(page.getByText(/^It keeps [\d.]+ % of the change$/)).toBeVisible(training);
    await page.getByRole('button', { name: 'Close' }).click();
  }
  await page.getByRole('button', { name: 'Blend' }).click();
  const dialog = page.getByRole('dialog', { name: 'Blend adapters' });
  for (const part of await dialog.getByRole('checkbox').all()) await part.check();
  await dialog.getByLabel('Name').fill('Two pirates');
  await dialog.getByRole('button', { name: 'Blend 2 adapters' }).click();
  await expect(page.getByRole('rowheader', { name: 'Two pirates' })).toBeVisible();
});

test('the ranks of AdaLoRA are seen to fall, and its penalty is told', async ({ page }) => {
  await openSample(page);
  await chooseMethod(page, 'adalora', /^AdaLoRA/);
  await train(page, 6);
  const [, ...totals] = await chartTable(page, 'Ranks in all layers');
  expect(Number(totals.at(-1)?.[1])).toBeLessThan(Number(totals[0]?.[1]));
  const [, ...penalties] = await chartTable(page, 'Penalty (reg_loss)');
  expect(penalties).toHaveLength(6);
  const ranks = page.getByRole('region', { name: 'Ranks by module and layer' });
  await expect(ranks.getByRole('rowheader', { name: 'self_attn.v_proj' })).toBeVisible();
});

test('what the open model has no place for says so', async ({ page }) => {
  await openSample(page);
  await page.getByRole('link', { name: '3 Method' }).click();
  await page.getByRole('radio', { name: 'Scaling and selection' }).check();
  await expect(page.getByRole('radio', { name: /^BitFit/ })).toBeDisabled();
  await expect(page.getByText(/Not on this model: .*has none/)).toBeVisible();
});
