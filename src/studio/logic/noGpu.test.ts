import { describe, expect, it } from 'vitest';
import { noGpuAdvice } from './noGpu.ts';

const chromeOnLinux =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36';

describe('noGpuAdvice', () => {
  it('blames plain http first, since nothing else helps then', () => {
    expect(noGpuAdvice({ isSecure: false, hasWebGpu: false, userAgent: chromeOnLinux }).steps.join(' ')).toMatch(
      /https/,
    );
  });

  it('names the flag on Linux', () => {
    expect(noGpuAdvice({ isSecure: true, hasWebGpu: false, userAgent: chromeOnLinux }).steps.join(' ')).toMatch(
      /chrome:\/\/flags/,
    );
  });

  it('tells an absent WebGPU from an absent GPU', () => {
    const here = noGpuAdvice({ isSecure: true, hasWebGpu: true, userAgent: 'Chrome/150 Windows' });
    const absent = noGpuAdvice({ isSecure: true, hasWebGpu: false, userAgent: 'Chrome/100 Windows' });
    expect(here.cause).not.toBe(absent.cause);
    expect(absent.steps.join(' ')).toMatch(/Safari/);
  });
});
