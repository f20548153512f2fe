import type { ModelDescription } from '../../models/family.ts';

/** Paths of the layers by their number, an encoder's before a decoder's: what keys of AdapterHub's file begin with. */
export function layerPaths({ modules, modelType }: ModelDescription): string[] {
  const paths = new Set(modules.flatMap(({ path }) => /^.+?\.\d+(?=\.)/.exec(path)?.[0] ?? []));
  // AdapterHub names ViT's layers as Transformers 4 does
  return [...paths].map((path) => (modelType === 'vit' ? path.replace('vit.layers.', 'vit.encoder.layer.') : path));
}

/** Models whose classes of a sublayer's end are bottleneck layers themselves (mixin_bert.py): adapters lie in them. */
const withinOutputs = new Set(['bert', 'roberta', 'xlm-roberta', 'electra', 'deberta', 'deberta-v2']);

/** Where AdapterHub keeps the bottlenecks of a layer. */
export function bottleneckPath(modelType: string, layerPath: string, kind: 'attention' | 'mlp'): string {
  const isAttention = kind === 'attention';
  if (withinOutputs.has(modelType)) return `${layerPath}.${isAttention ? 'attention.output' : 'output'}.adapters`;
  // mixin_t5.py: the sublayers of a block are numbered, and a decoder has one more
  if (modelType === 't5') {
    const sublayer = isAttention ? 0 : layerPath.startsWith('decoder.') ? 2 : 1;
    return `${layerPath}.layer.${sublayer}.adapters`;
  }
  if (modelType === 'vit' && !isAttention) return `${layerPath}.output.output_adapters.adapters`;
  return `${layerPath}.${isAttention ? 'attention_adapters' : 'output_adapters'}.adapters`;
}
