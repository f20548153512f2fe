import { expect, test } from '@playwright/test';

test('the page opens without an error and the browser gives it a GPU', async ({ page }) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto('./');
  await expect(page.locator('#root')).not.toBeEmpty();
  const limits = await page.evaluate(async () => {
    const device = await (await navigator.gpu.requestAdapter())?.requestDevice();
    return device && { storageBuffers: device.limits.maxStorageBuffersPerShaderStage };
  });
  expect(limits?.storageBuffers).toBeGreaterThanOrEqual(8);
  expect(errors).toEqual([]);
});

test('the sample comes with the page', async ({ request }) => {
  const config = await request.get('./demo/model/config.json');
  expect(await config.json()).toMatchObject({ model_type: 'llama', tie_word_embeddings: true });
  const weights = await request.get('./demo/model/model.safetensors', { headers: { Range: 'bytes=0-7' } });
  expect((await weights.body()).length).toBeGreaterThanOrEqual(8);
  const rows = (await (await request.get('./demo/data.jsonl')).text()).trim().split('\n');
  expect(rows).toHaveLength(40);
  expect((await request.get('./demo/no-such-file.json')).status()).toBe(404);
});
