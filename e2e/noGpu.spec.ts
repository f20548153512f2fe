import { expect, test } from '@playwright/test';

test.use({
  launchOptions: {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-gpu'],
  },
});

test('without WebGPU the page says why and what to do, and the library stays open', async ({ page }) => {
  await page.goto('./');
  await expect(page.getByRole('heading', { name: 'Graft found no GPU to train on' })).toBeVisible();
  await expect(page.getByText('chrome://flags')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start training' })).toHaveCount(0);
  await page.getByRole('main').getByRole('link', { name: 'Library' }).click();
  await expect(page.getByRole('heading', { name: 'Adapters' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Import an adapter folder' })).toBeVisible();
});
