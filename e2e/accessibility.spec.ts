import { expect, test } from '@playwright/test';
import { openSample, violations } from './studio.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every screen passes axe in the ${colorScheme} theme`, async ({ browser }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto('./');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await openSample(page);
    for (const [key, title] of [
      ['1', 'Your model'],
      ['2', 'Your data'],
      ['3', 'Choose how it learns'],
      ['4', 'Training'],
      ['5', 'Playground'],
      ['6', 'Library'],
    ] as const) {
      await page.keyboard.press(key);
      await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
      expect(await violations(page, { opensFolds: true }), title).toEqual([]);
    }
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'How Graft works' })).toBeVisible();
    expect(await violations(page), 'help').toEqual([]);
    await context.close();
  });
}

test('the keyboard alone reaches the sample', async ({ page }) => {
  await page.goto('./');
  const sample = page.getByRole('button', { name: 'Try the sample' });
  await expect(sample).toBeVisible();
  await expect(async () => {
    await page.keyboard.press('Tab');
    await expect(sample).toBeFocused({ timeout: 50 });
  }).toPass({ timeout: 15_000, intervals: [10] });
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Start training' })).toBeEnabled();
});
