import { expose } from 'comlink';
import { decodeImageInBrowser } from '../data/images/browserImages.ts';
import { shaderSourcesFromBundle } from '../gpu/shaderSources.browser.ts';
import type { Engine } from './api.ts';
import { describeError } from './errors.ts';
import { answerAfterCallbacks } from './orderedReplies.ts';
import { createStudioEngine } from './studioEngine.ts';

/** Errors cross to the page as plain data: an Error would lose its code on the way. */
function withPlainErrors(engine: Engine): Engine {
  const guarded = Object.entries(engine).map(([name, method]: [string, (...args: never[]) => Promise<unknown>]) => [
    name,
    async (...args: never[]) => {
      try {
        return await answerAfterCallbacks(method)(...args);
      } catch (error) {
        throw describeError(error);
      }
    },
  ]);
  return Object.fromEntries(guarded) as Engine;
}

/** The page names its worker by the folder of the sample: see client.ts. */
const sampleUrl = self.name;
const surroundings = { shaders: shaderSourcesFromBundle(), sampleUrl, decodeImage: decodeImageInBrowser };
expose(withPlainErrors(createStudioEngine(surroundings)));
