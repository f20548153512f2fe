import type { FileSet } from '../formats/byteSource.ts';
import type { AdapterContent } from '../peft/method.ts';
import type { Kept } from '../peft/algebra/leadingSvd.ts';
import type { OnModule } from '../peft/algebra/loraContent.ts';
import type { BlendOptions } from '../peft/algebra/weightedAdapters.ts';
import { blendFolders, convertFolder, filesOfContent } from './adapterAlgebra.ts';
import { countElements } from './modelCard.ts';
import { at, claimFolder, openPath, refuseToOverwrite, writeFolder } from './nodeFiles.ts';
import { openModelAt, type Say } from './nodeOpen.ts';

/** For the help text. */
export { combinations } from '../peft/algebra/combinations.ts';

export interface AdapterWeight {
  readonly path: string;
  readonly weight: number;
}

/** Writes the folder of a LoRA adapter that several are blended into. */
export async function blendCommand(
  adapters: readonly AdapterWeight[],
  options: BlendOptions,
  output: string,
  say: Say,
): Promise<Record<string, unknown>> {
  const paths = adapters.map(({ path }) => path);
  return toOutput(output, paths, async () => {
    const opened = adapters.map(async ({ path, weight }) => ({ name: path, weight, files: await openPath(path) }));
    const folders = await Promise.all(opened);
    const content = await blendFolders(folders, options, saying(say));
    await writeContent(
      output,
      content,
      folders.map(({ files }) => files),
    );
    return { output, combination: options.combination, ...figuresOf(content) };
  });
}

/** Writes the folder of a LoRA adapter that stands for another adapter of the model. */
export async function convertCommand(
  modelPath: string,
  adapterPath: string,
  kept: Kept,
  output: string,
  say: Say,
): Promise<Record<string, unknown>> {
  return toOutput(output, [modelPath, adapterPath], async () => {
    const model = await openModelAt(modelPath);
    const files = await openPath(adapterPath);
    const { content, energy } = await at(adapterPath, convertFolder(model, files, kept, saying(say)));
    await writeContent(output, content, [files]);
    const [module, least] = [...energy.modules].reduce((a, b) => (b[1] < a[1] ? b : a));
    return { output, ...figuresOf(content), energy: energy.overall, least_energy: { module, energy: least } };
  });
}

async function toOutput<T>(output: string, inputs: readonly string[], work: () => Promise<T>): Promise<T> {
  const release = await claimFolder(output);
  try {
    await refuseToOverwrite(output, inputs);
    return await work();
  } finally {
    await release();
  }
}

async function writeContent(output: string, content: AdapterContent, sources: readonly FileSet[]): Promise<void> {
  await writeFolder(output, await filesOfContent(content, sources));
}

function figuresOf({ config, tensors }: AdapterContent): Record<string, unknown> {
  const modules = [...tensors.keys()].filter((key) => /\.lora_(embedding_)?A(\.weight)?$/.test(key)).length;
  return { r: config['r'], modules, parameters: countElements(tensors.values()) };
}

/** A line for every tenth of the modules. */
function saying(say: Say): OnModule {
  let told = 0;
  return (done, total) => {
    const tenth = Math.floor((done / total) * 10);
    if (tenth <= told) return;
    told = tenth;
    say(`${done} of ${total} modules`);
  };
}
