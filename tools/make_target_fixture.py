"""Makes tests/fixtures/targets.json: which modules PEFT's tuners change in a tiny model of each family, for each task that it has a head
for, with the targets that PEFT has for it and with every way of naming others.

usage: python tools/make_target_fixture.py        (needs torch, transformers and peft)

{models: [{config, task, modules: paths of the linears, tables and norms,
           cases: [{fields, targets: numbers of modules, or false where PEFT refuses; saved: numbers of modules trained whole;
                    ranks: of the targets, where patterns give them; scales: likewise; feedforward: IA³'s targets that scale their input}]}]}
"""

import json
import warnings
from copy import deepcopy
from pathlib import Path

import peft
import torch
import transformers
from peft.tuners.ia3 import IA3Layer
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper
from transformers import AutoConfig
from transformers.pytorch_utils import Conv1D

OUT = Path(__file__).resolve().parent.parent / 'tests' / 'fixtures' / 'targets.json'
HEADS = {
    'CAUSAL_LM': transformers.AutoModelForCausalLM, 'SEQ_CLS': transformers.AutoModelForSequenceClassification,
    'TOKEN_CLS': transformers.AutoModelForTokenClassification, 'SEQ_2_SEQ_LM': transformers.AutoModelForSeq2SeqLM,
    'IMAGE_CLS': transformers.AutoModelForImageClassification,
}
# tuners that have targets of their own by family; what else they need to be made
TUNERS = {
    'LORA': dict(r=2), 'ADALORA': dict(init_r=3, target_r=2, total_step=10), 'IA3': {}, 'VERA': dict(r=2), 'LOHA': dict(r=2), 'LOKR': dict(r=2),
    'OFT': dict(oft_block_size=4), 'BOFT': dict(boft_block_size=4), 'HRA': dict(r=2), 'FOURIERFT': dict(n_frequency=5), 'ROAD': dict(group_size=4),
    'MISS': dict(r=2), 'DELORA': dict(r=2), 'LN_TUNING': {}, 'BEFT': {},
}
SIZES = dict(vocab_size=40, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, max_position_embeddings=32)
GROUPED = dict(**SIZES, num_key_value_heads=2)
CAUSAL = ('CAUSAL_LM', 'SEQ_CLS', 'TOKEN_CLS')
ENCODER = ('SEQ_CLS', 'TOKEN_CLS')
GPT2 = dict(vocab_size=40, n_embd=32, n_layer=3, n_head=4, n_positions=32)
T5 = dict(vocab_size=40, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
# model_type, sizes, tasks, (attention linear, MLP linear, ending of two names, name of the list of layers, embedding, norm)
MODELS = [
    ('llama', GROUPED, CAUSAL, ('q_proj', 'up_proj', 'self_attn.o_proj', 'layers', 'embed_tokens', 'norm')),
    ('mistral', GROUPED, CAUSAL, ('k_proj', 'gate_proj', 'mlp.down_proj', 'layers', 'embed_tokens', 'input_layernorm')),
    ('qwen2', GROUPED, CAUSAL, ('v_proj', 'up_proj', 'mlp.up_proj', 'layers', 'embed_tokens', 'norm')),
    ('qwen3', GROUPED, CAUSAL, ('q_proj', 'down_proj', 'mlp.up_proj', 'layers', 'embed_tokens', 'q_norm')),
    ('gemma', {**GROUPED, 'head_dim': 8}, CAUSAL, ('o_proj', 'up_proj', 'self_attn.v_proj', 'layers', 'embed_tokens', 'norm')),
    ('gemma2', {**GROUPED, 'head_dim': 8}, CAUSAL, ('k_proj', 'gate_proj', 'self_attn.q_proj', 'layers', 'embed_tokens', 'pre_feedforward_layernorm')),
    ('gemma3_text', {**GROUPED, 'head_dim': 8}, ('CAUSAL_LM',), ('o_proj', 'up_proj', 'self_attn.v_proj', 'layers', 'embed_tokens', 'norm')),
    ('phi3', {**GROUPED, 'pad_token_id': 0}, CAUSAL, ('qkv_proj', 'gate_up_proj', 'mlp.down_proj', 'layers', 'embed_tokens', 'norm')),
    ('gpt2', GPT2, CAUSAL, ('c_attn', 'c_fc', 'mlp.c_proj', 'h', 'wte', 'ln_1')),
    ('bloom', dict(vocab_size=40, hidden_size=32, n_layer=3, n_head=4), CAUSAL,
     ('query_key_value', 'dense_h_to_4h', 'self_attention.dense', 'h', 'word_embeddings', 'ln_f')),
    ('bert', SIZES, ENCODER, ('query', 'intermediate.dense', 'output.dense', 'layer', 'word_embeddings', 'LayerNorm')),
    ('roberta', SIZES, ENCODER, ('key', 'intermediate.dense', 'attention.output.dense', 'layer', 'position_embeddings', 'LayerNorm')),
    ('xlm-roberta', SIZES, ENCODER, ('value', 'dense', 'output.dense', 'layer', 'word_embeddings', 'LayerNorm')),
    ('distilbert', dict(vocab_size=40, dim=32, hidden_dim=48, n_layers=3, n_heads=4, max_position_embeddings=32), ENCODER,
     ('q_lin', 'lin1', 'ffn.lin2', 'layer', 'word_embeddings', 'sa_layer_norm')),
    ('vit', dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, image_size=16, patch_size=8), ('IMAGE_CLS',),
     ('q_proj', 'fc1', 'mlp.fc2', 'layers', 'projection', 'layernorm_before')),
    ('t5', T5, ('SEQ_2_SEQ_LM',), ('q', 'wi', 'EncDecAttention.v', 'block', 'shared', 'layer_norm')),
    ('mt5', T5, ('SEQ_2_SEQ_LM',), ('v', 'wi_1', 'SelfAttention.o', 'block', 'shared', 'layer_norm')),
]


def around_heads(attention: str, mlp: str, ending: str, layers: str, embedding: str, norm: str):
    """Fields of LoRA of which the head of a task may be a part."""
    yield dict(target_modules='all-linear')
    yield dict(target_modules='All-Linear', modules_to_save=[norm])
    yield dict(target_modules=['lm_head', 'score', 'classifier', attention])
    yield dict(target_modules=['score', 'classifier', 'lm_head'])
    yield dict(target_modules=[ending], modules_to_save=[mlp])


def namings(attention: str, mlp: str, ending: str, layers: str, embedding: str, norm: str, paths: list[str]):
    """Fields of LoRA that name targets, and what stands beside them."""
    whole = next(path for path in paths if path.endswith(f'.{attention}'))
    both = dict(target_modules=[attention, mlp])
    yield dict(target_modules='all-linear', exclude_modules=[mlp])
    yield dict(target_modules='all-linear', exclude_modules=rf'.*\.1\..*({attention}|{mlp})')
    yield dict(target_modules=[ending])
    yield dict(target_modules=[whole, mlp])
    yield dict(target_modules=[whole, mlp], layers_to_transform=[2])
    yield dict(target_modules=rf'.*\.(0|2)\..*{attention}')
    yield dict(target_modules=rf'.*\.\d+\..*(?:{attention}|{mlp})$', exclude_modules=[whole])
    yield dict(target_modules=attention)
    yield dict(target_modules=rf'.*\.{layers}\.1.*')
    yield dict(target_modules=[attention, layers])
    yield dict(**both, layers_to_transform=1)
    yield dict(**both, layers_to_transform=[0, 2], layers_pattern=layers)
    yield dict(**both, layers_to_transform=[0], layers_pattern=['nowhere', layers])
    yield dict(**both, layers_to_transform=[0], layers_pattern='nowhere')
    yield dict(**both, layers_to_transform=[7])
    yield dict(**both, layers_to_transform=[])
    yield dict(**both, exclude_modules=[attention, mlp])
    yield dict(**both, modules_to_save=[mlp])
    yield dict(target_modules=[attention], modules_to_save=[ending])
    yield dict(target_modules=[attention], modules_to_save=[embedding, norm])
    yield dict(target_modules=[embedding, attention])
    yield dict(target_modules=[norm, attention])
    yield dict(target_modules=['nowhere'])
    yield dict(target_modules=['nowhere', attention])
    yield dict(**both, rank_pattern={mlp: 5, f'0.*{attention}': 7}, alpha_pattern={rf'.*\.1\..*': 4, mlp: 3})
    yield dict(**both, rank_pattern={whole: 5, f'^{whole}': 6, attention[1:]: 7}, alpha_pattern={f'{layers}.1.*': 16})


def open_model(config, task: str):
    torch.manual_seed(0)
    return HEADS[task].from_config(config)


def module_paths(model) -> list[str]:
    kinds = (torch.nn.Linear, Conv1D, torch.nn.Embedding, torch.nn.LayerNorm)
    return [name for name, module in model.named_modules() if isinstance(module, kinds) or type(module).__name__.endswith('RMSNorm')
            or type(module).__name__ in ('T5LayerNorm', 'MT5LayerNorm', 'Conv2d')]


def config_of(kind: str, task: str, fields: dict):
    config = peft.mapping.PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(kind)]
    return config(task_type=None if task == 'IMAGE_CLS' else task, **TUNERS[kind], **fields)


def resolve(model, kind: str, task: str, fields: dict, paths: list[str]) -> dict | None:
    """None where PEFT has no targets for the family, or stumbles: it would train the head whole that it has changed before."""
    number = {path: index for index, path in enumerate(paths)}
    case = {'fields': deepcopy({'peft_type': kind, **TUNERS[kind], **fields})}  # PEFT adds to lists that it is given
    try:
        tuned = peft.get_peft_model(model, config_of(kind, task, fields))
    except (ValueError, TypeError) as error:
        stumbles = 'modules_to_save cannot be applied' in str(error)
        return None if stumbles or 'target_modules' not in fields else {**case, 'targets': False}
    modules = {name.removeprefix('base_model.model.'): module for name, module in tuned.named_modules()}
    targets = [path for path in tuned.base_model.targeted_module_names]
    case['targets'] = sorted(number[path] for path in targets)
    saved = [path for path, module in modules.items() if isinstance(module, ModulesToSaveWrapper)]
    within = sorted(number[path] for path in paths if any(path == around or path.startswith(f'{around}.') for around in saved))
    if within:
        case['saved'] = within
    layers = {number[path]: modules[path] for path in targets}
    if 'rank_pattern' in fields:
        lora = {index: layer for index, layer in sorted(layers.items()) if isinstance(layer, LoraLayer)}
        case['ranks'] = [layer.r['default'] for layer in lora.values()]
        case['scales'] = [layer.scaling['default'] for layer in lora.values()]
    feedforward = sorted(index for index, layer in layers.items() if isinstance(layer, IA3Layer) and layer.is_feedforward)
    if kind == 'IA3':
        case['feedforward'] = feedforward
    return case


def main() -> None:
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    models = []
    for model_type, sizes, tasks, names in MODELS:
        config = AutoConfig.for_model(model_type, **sizes, num_labels=3)
        for task in tasks:
            paths = module_paths(open_model(config, task))
            wanted = [('LORA', fields) for fields in around_heads(*names)]
            if task == tasks[0]:
                wanted += [(kind, {}) for kind in TUNERS] + [('LORA', fields) for fields in namings(*names, paths)]
            made = [resolve(open_model(config, task), kind, task, fields, paths) for kind, fields in wanted]
            cases = [case for case in made if case]
            models.append({'config': {'model_type': model_type, **sizes, 'num_labels': 3}, 'task': task, 'modules': paths, 'cases': cases})
            print(model_type, task, len(cases), sum(case['targets'] is False for case in cases))
    OUT.write_text(json.dumps({'models': models}, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
