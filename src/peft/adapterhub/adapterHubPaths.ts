import type { ModelDescription } from '../../models/family.ts';
import type { SublayerSite } from '../../models/hooks.ts';
import { layerPaths } from '../../models/modules.ts';

/** Paths of the layers by their number, an encoder's before a decoder's: what keys of AdapterHub's file begin with. */
export function adapterHubLayers({ modules, modelType }: ModelDescription): string[] {
  const paths = layerPaths(modules);
  // AdapterHub names ViT's layers as Transformers 4 does
  return modelType === 'vit' ? paths.map((path) => path.replace('vit.layers.', 'vit.encoder.layer.')) : paths;
}

/** Models whose classes of a sublayer's end are bottleneck layers themselves (mixin_bert.py): adapters lie in them. */
const withinOutputs = new Set(['bert', 'roberta', 'xlm-roberta', 'electra', 'deberta', 'deberta-v2']);

/** Where AdapterHub keeps the bottlenecks of a layer. */
export function bottleneckPath(modelType: string, layerPath: string, kind: SublayerSite['kind']): string {
  const isAttention = kind === 'attention';
  if (withinOutputs.has(modelType)) return `${layerPath}.${isAttention ? 'attention.output' : 'output'}.adapters`;
  // mixin_t5.py: the sublayers of a block are numbered, and a decoder has one more
  if (modelType === 't5' || modelType === 'mt5') {
    const sublayer = isAttention ? 0 : kind === 'mlp' && layerPath.startsWith('decoder.') ? 2 : 1;
    return `${layerPath}.layer.${sublayer}.adapters`;
  }
  if (modelType === 'vit' && !isAttention) return `${layerPath}.output.output_adapters.adapters`;
  return `${layerPath}.${isAttention ? 'attention_adapters' : 'output_adapters'}.adapters`;
}
