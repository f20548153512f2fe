import { expect, test, type Page } from '@playwright/test';
import { join } from 'node:path';
import { training, violations } from './studio.ts';

const root = join(import.meta.dirname, '..');
const demo = join(root, 'public', 'demo');
const models = join(root, 'tests', 'fixtures', 'parity', 'models');
const copyName = 'model (NF4, double quantised)';

test.setTimeout(480_000);

/** The same question to both columns, always the likeliest token: what they answer. */
async function ask(page: Page): Promise<{ base: string; tuned: string }> {
  await page.getByRole('link', { name: 'Playground' }).click();
  await page.getByText('Sampling').click();
  await page.getByLabel('Temperature').fill('0');
  await page.getByLabel('Max tokens').fill('6');
  await page.getByText('Sampling').click();
  await page.getByLabel('Prompt').fill('Where is the harbour?');
  await page.getByRole('button', { name: 'Send' }).click();
  const answer = async (name: string): Promise<string> => {
    const column = page.getByRole('region', { name });
    await expect(column.getByText(/ a second, ended/)).toBeVisible(training);
    return (await column.getByRole('paragraph').first().innerText()).trim();
  };
  return { base: await answer('Base'), tuned: await answer('Tuned') };
}

test('a float model is trained in 4 bits, measured, tried and kept so', async ({ page }) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto('./');
  await page.getByRole('button', { name: 'Choose a model folder' }).setInputFiles(join(demo, 'model'));
  const packing = page.getByRole('region', { name: 'How its weights are packed' });
  await expect(packing).toContainText('Its weights are plain floats, F16');
  await expect(packing.getByRole('list', { name: 'Formats' })).toContainText('16 bits a weight');
  await packing.getByText('By part of the model').click();
  await expect(packing.getByRole('row', { name: /^Feed-forward F16 676 K 16/ })).toBeVisible();
  await expect(page.getByRole('switch', { name: 'Keep on this device' })).toBeChecked();

  // the keyboard chooses
  await page.getByRole('radio', { name: /^As it is/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const nf4 = page.getByRole('radio', { name: /^4 bits, NF4 double quantised/ });
  await expect(nf4).toBeChecked();
  await expect(nf4).toBeFocused();
  const panel = page.getByRole('region', { name: 'Weights in fewer bits' });
  await expect(panel.locator('label').filter({ has: nf4 })).toContainText('57.7 % less');
  await expect(panel.getByRole('list', { name: 'Error by layer' }).getByRole('listitem')).toHaveCount(5);
  await expect(panel.getByText(/^Weights move by 9\.\d+ % of their size on average, the most in layer/)).toBeVisible();
  await expect(panel).toContainText('No data is open.');
  await expect(page.getByRole('complementary', { name: 'Run' })).toContainText('NF4, double quantised');

  // one truth: the run's fields say the same
  await page.getByRole('link', { name: '3 Method' }).click();
  await page.getByText('Advanced').last().click();
  await expect(page.getByRole('switch', { name: 'Load in 4 bits' })).toBeChecked();
  await expect(page.getByLabel('4-bit type')).toHaveValue('nf4');
  await page.getByLabel('Steps', { exact: true }).fill('20');
  await page.getByLabel('Batch size', { exact: true }).fill('2');
  await page.getByLabel('Learning rate', { exact: true }).fill('0.01');
  await page.getByLabel('Checkpoint every').fill('2');

  await page.getByRole('link', { name: '2 Data' }).click();
  await page.getByRole('button', { name: 'Choose data files' }).setInputFiles(join(demo, 'data.jsonl'));
  await page.getByLabel('Maximum length').fill('32');
  await page.getByLabel('Held out to evaluate').fill('0.1');
  await expect(page.getByText('4 held out to evaluate')).toBeVisible();
  await page.getByRole('link', { name: '1 Model' }).click();
  await panel.getByRole('button', { name: 'Measure before and after' }).click();
  const before = panel.getByRole('row', { name: /^As it is F16 \d+\.\d+ \d\.\d+$/ });
  await expect(before).toBeVisible(training);
  await expect(panel.getByRole('row', { name: /^4 bits, NF4 double quantised \d+\.\d+/ })).toBeVisible();
  expect(await violations(page, { opensFolds: true }), 'measured').toEqual([]);

  // a run that is cut off goes on, quantised
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect(page.getByText(/^Step [2-9]$/)).toBeVisible(training);
  await page.reload();
  await page.getByRole('button', { name: /^Resume from step \d+ \(saved/ }).click();
  await expect(page.getByRole('heading', { name: 'Your adapter is ready' })).toBeVisible(training);

  const answers = await ask(page);
  await expect(page.getByRole('region', { name: 'Base' })).toContainText('model, NF4, double quantised');
  expect(answers.tuned).not.toBe(answers.base);
  expect(await violations(page, { opensFolds: true }), 'playground').toEqual([]);

  // the form is new after the reload; the copy takes the original's place
  await page.getByRole('link', { name: '1 Model' }).click();
  await nf4.check();
  await page.getByRole('switch', { name: /^Then delete the original's copy/ }).press('Space');
  await page.getByRole('button', { name: 'Keep the quantised copy' }).click();
  await expect(page.getByRole('heading', { level: 2, name: copyName })).toBeVisible(training);
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await expect(packing).toContainText('82.3 % of its weights are quantised.');
  await expect(panel).toContainText('It is trained on as it is');
  await expect(nf4).toBeDisabled();
  await expect(page.getByRole('region', { name: 'On this device' }).getByRole('listitem')).toHaveCount(1);
  expect(await violations(page, { opensFolds: true }), 'kept').toEqual([]);
  expect(await ask(page)).toEqual(answers);

  await page.reload();
  await page.getByRole('link', { name: '1 Model' }).click();
  await page.getByRole('button', { name: `Open ${copyName}` }).click();
  await expect(page.getByRole('heading', { level: 2, name: copyName })).toBeVisible();
  expect(await ask(page)).toEqual(answers);
  expect(errors).toEqual([]);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a file of mixed formats shows its mix, and why it is not quantised again (${colorScheme})`, async ({
    browser,
  }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto('./');
    const file = join(models, 'llama-k-gguf.gguf');
    await page.getByRole('button', { name: 'Choose model files' }).setInputFiles(file);
    const formats = page.getByRole('list', { name: 'Formats' });
    await expect(formats.getByRole('listitem').filter({ hasText: 'Q4_K' })).toContainText('4.5 bits a weight');
    await expect(formats.getByRole('listitem').filter({ hasText: 'Q6_K' })).toContainText('6.56 bits a weight');
    await expect(page.getByRole('rowheader', { name: 'Feed-forward' }).first()).toBeVisible();
    const panel = page.getByRole('region', { name: 'Weights in fewer bits' });
    await expect(panel).toContainText('Its weights are quantised already');
    await expect(panel.getByRole('radio', { name: /^8 bits/ })).toBeDisabled();
    expect(await violations(page, { opensFolds: true })).toEqual([]);
    await context.close();
  });
}
