export interface PageFacts {
  readonly isSecure: boolean;
  readonly hasWebGpu: boolean;
  readonly userAgent: string;
}

export interface NoGpuAdvice {
  readonly cause: string;
  readonly steps: readonly string[];
}

/** Why the page has no GPU, told from what the browser gives away, and what to do about it. */
export function noGpuAdvice({ isSecure, hasWebGpu, userAgent }: PageFacts): NoGpuAdvice {
  if (!isSecure) {
    return {
      cause:
        'Browsers hand out the GPU only to pages from https or from this computer, and this page came over plain http.',
      steps: ['Open the page through https, or through http://localhost.'],
    };
  }
  if (!hasWebGpu)
    return { cause: 'This browser does not offer WebGPU, which Graft computes with.', steps: browserSteps(userAgent) };
  return {
    cause: 'This browser offers WebGPU, but found no GPU that it may use.',
    steps: [
      'Switch on hardware acceleration in the browser’s settings, then restart the browser.',
      ...(isLinuxChromium(userAgent)
        ? ['On Linux, enable “Unsafe WebGPU Support” and “Vulkan” under chrome://flags, then restart.']
        : []),
      'Update the graphics driver. Look at chrome://gpu for the reason, if the browser is Chrome or Edge.',
      'Close the remote desktop or the virtual machine, if this is one: they often hide the GPU.',
    ],
  };
}

function browserSteps(userAgent: string): readonly string[] {
  if (/Firefox\//.test(userAgent)) {
    return [
      'Update Firefox: Windows has WebGPU from version 141, Macs with Apple silicon from 145.',
      'Or open this page in Chrome or Edge.',
    ];
  }
  if (isLinuxChromium(userAgent)) {
    return [
      'Enable “Unsafe WebGPU Support” under chrome://flags, then restart the browser.',
      'Update Chrome: version 113 or later.',
    ];
  }
  return [
    'Use Chrome or Edge from version 113, Safari from version 26, or Firefox from version 141.',
    'Update the browser to its latest version.',
  ];
}

function isLinuxChromium(userAgent: string): boolean {
  return /Linux/.test(userAgent) && /Chrom(e|ium)\//.test(userAgent) && !/Android/.test(userAgent);
}
