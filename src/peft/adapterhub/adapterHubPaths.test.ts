import { expect, it } from 'vitest';
import { bottleneckPath } from './adapterHubPaths.ts';

// as `adapters` 1.3 names them in state_dict()
it.each([
  ['llama', 'model.layers.0', 'attention', 'model.layers.0.attention_adapters.adapters'],
  ['gpt2', 'transformer.h.1', 'mlp', 'transformer.h.1.output_adapters.adapters'],
  ['bert', 'bert.encoder.layer.0', 'attention', 'bert.encoder.layer.0.attention.output.adapters'],
  ['roberta', 'roberta.encoder.layer.0', 'mlp', 'roberta.encoder.layer.0.output.adapters'],
  ['t5', 'encoder.block.0', 'attention', 'encoder.block.0.layer.0.adapters'],
  ['t5', 'encoder.block.0', 'mlp', 'encoder.block.0.layer.1.adapters'],
  ['mt5', 'decoder.block.1', 'crossAttention', 'decoder.block.1.layer.1.adapters'],
  ['t5', 'decoder.block.1', 'mlp', 'decoder.block.1.layer.2.adapters'],
  ['vit', 'vit.encoder.layer.0', 'attention', 'vit.encoder.layer.0.attention_adapters.adapters'],
  ['vit', 'vit.encoder.layer.0', 'mlp', 'vit.encoder.layer.0.output.output_adapters.adapters'],
] as const)('%s has the bottleneck of %s behind %s at %s', (modelType, layer, kind, path) => {
  expect(bottleneckPath(modelType, layer, kind)).toBe(path);
});
