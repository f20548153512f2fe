"""Makes tests/fixtures/parity: tiny models, adapters, data, and what Hugging Face PEFT measures when it trains on them.

usage: python tools/make_parity_cases.py [part of a case's name]
       (needs torch, transformers, peft and gguf; one thread, so that the same versions give the same files)

models/<name>/ or <name>.gguf     shared by the cases
cases/<name>/config.yaml          the run file
             data.jsonl  init/    what it trains on, and the adapter it starts from
             expect.json final/   per step the loss, gradient norm and learning rate; then loss, logits and weights after it
"""

import copy
import random
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import peft
import torch
from parity_models import MODELS, make_model, sentences
from parity_training import Run, make_case

OUT = Path(__file__).resolve().parent.parent / 'tests' / 'fixtures' / 'parity'


@dataclass
class Case:
    name: str
    model: str
    method: dict
    kind: str = 'LoraConfig'
    run: dict = field(default_factory=dict)
    data: str = 'text'
    # the run file names the method's fields instead of an adapter to start from
    afresh: bool = False
    rows: int = 0


def lora(name: str, model: str, **settings) -> Case:
    return case(name, model, 'LoraConfig', settings)


def ia3(name: str, model: str, **settings) -> Case:
    return case(name, model, 'IA3Config', settings)


def case(name: str, model: str, kind: str, settings: dict) -> Case:
    own = {key: settings.pop(key) for key in ('run', 'data', 'afresh', 'rows') if key in settings}
    return Case(f'{model}-{name}', model, settings, kind, **own)


CASES = [
    lora('lora', 'llama'),
    lora('lora-regex', 'llama', r=3, lora_alpha=5, use_rslora=True, target_modules=r'.*\.(k_proj|up_proj)'),
    lora('lora-all-linear', 'llama', r=3, target_modules='all-linear', exclude_modules=['o_proj'],
         run=dict(gradient_accumulation_steps=2, batch_size=2, lr_scheduler_type='cosine')),
    lora('lora-layer', 'llama', r=5, lora_alpha=10, layers_to_transform=[1], target_modules=['q_proj', 'down_proj'], modules_to_save=['lm_head'],
         run=dict(weight_decay=0.1, max_grad_norm=0.3, lr_scheduler_type='constant_with_warmup')),
    lora('lora-patterns', 'llama', r=3, lora_alpha=6, target_modules=['q_proj', 'v_proj', 'gate_proj'],
         rank_pattern={'q_proj': 5, r'layers\.1\.mlp\.gate_proj': 2}, alpha_pattern={'v_proj': 9},
         run=dict(num_train_epochs=2, max_steps=0, batch_size=2, gradient_accumulation_steps=2), rows=7),
    lora('lora-embedding-and-head', 'llama', r=2, lora_alpha=3, target_modules=['embed_tokens', 'lm_head', 'v_proj'], use_rslora=True),
    ia3('ia3-usual-feedforward', 'llama', target_modules=['q_proj', 'down_proj'], afresh=True),
    lora('lora-bias-of-b', 'llama-linear', r=4, target_modules=['o_proj', 'down_proj'], lora_bias=True),
    ia3('ia3', 'llama-linear', afresh=True),
    lora('lora-saved-pair', 'llama3', r=3, modules_to_save=['embed_tokens', 'lm_head']),
    lora('lora-norms', 'llama3', r=8, lora_alpha=16, modules_to_save=['norm']),
    lora('lora-embedding-and-head', 'llama3', r=3, target_modules=['embed_tokens', 'lm_head', 'k_proj']),
    lora('lora-chat', 'llama3', r=4, target_modules=['q_proj', 'k_proj', 'v_proj', 'o_proj'], data='chat', run=dict(max_length=72)),
    lora('lora', 'mistral', r=3, lora_alpha=7, target_modules=['v_proj', 'gate_proj'], run=dict(max_length=64)),
    ia3('ia3-feedforward', 'mistral', target_modules=r'.*layers\.0\..*(q_proj|o_proj)|.*layers\.1\..*(up_proj|down_proj)',
        feedforward_modules=['o_proj', 'down_proj'], modules_to_save=['post_attention_layernorm']),
    lora('lora-saved-block', 'mistral', r=3, target_modules='all-linear', modules_to_save=['layers.1.mlp']),
    lora('lora-all-biases', 'qwen2', r=2, target_modules=['q_proj', 'o_proj'], bias='all'),
    lora('lora-own-biases', 'qwen2', r=2, target_modules=['k_proj', 'up_proj'], bias='lora_only'),
    ia3('ia3', 'qwen2', afresh=True),
    lora('lora-completion', 'qwen2', r=8, target_modules='all-linear', data='completion'),
    lora('lora', 'qwen3', r=3, lora_alpha=12, target_modules=['q_proj', 'k_proj', 'down_proj']),
    lora('lora-chat', 'qwen3', r=2, data='chat', run=dict(max_length=72, gradient_accumulation_steps=2, batch_size=1)),
    lora('lora-saved-embedding', 'qwen3', r=3, modules_to_save=['embed_tokens']),
    ia3('ia3-head', 'qwen3', modules_to_save=['lm_head']),
    lora('lora', 'llama-gguf', r=3, lora_alpha=6, target_modules='all-linear'),
    lora('lora-head', 'llama-gguf', r=4, target_modules=['q_proj'], modules_to_save=['lm_head']),
    lora('lora-head', 'qwen2-gguf', r=3, target_modules=['k_proj', 'lm_head', 'embed_tokens']),
    lora('lora-all-biases', 'qwen2-gguf', r=3, target_modules=['q_proj', 'v_proj'], bias='all', data='completion'),
]


def make_rows(kind: str, count: int, seed: int) -> list[dict]:
    texts = sentences(3 * count, seed)
    reverse = lambda text: ' '.join(reversed(text[:-1].lower().split()))
    if kind == 'completion':
        return [{'prompt': text, 'completion': ' ' + reverse(text)} for text in sentences(count, seed, high=8)]
    if kind == 'chat':
        rng = random.Random(seed)
        short = iter(sentences(6 * count, seed, low=1, high=5))
        turn = lambda role: {'role': role, 'content': next(short)}
        exchange = lambda: [turn('user'), turn('assistant')]
        return [{'messages': ([turn('system')] if rng.random() < 0.4 else []) + exchange() + (exchange() if rng.random() < 0.5 else [])}
                for _ in range(count)]
    return [{'text': reverse(text) + text[-1]} for text in texts[:count]]


def main() -> None:
    torch.set_num_threads(1)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    if not wanted:
        shutil.rmtree(OUT, ignore_errors=True)
    for name in MODELS:
        cases = [case for case in CASES if case.model == name and wanted in case.name]
        if not cases:
            continue
        (OUT / 'models').mkdir(parents=True, exist_ok=True)
        shutil.rmtree(OUT / 'models' / name, ignore_errors=True)
        path, base, tokenizer = make_model(name, OUT / 'models')
        for case in cases:
            make_one(case, path, copy.deepcopy(base), tokenizer, seed=crc32(case.name.encode()) % 10000)


def make_one(case: Case, model_path: Path, base, tokenizer, seed: int) -> None:
    folder = OUT / 'cases' / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = Run(**{'max_steps': 5, **case.run})
    rows = make_rows(case.data, case.rows or run.max_steps * run.batch_size * run.gradient_accumulation_steps, seed)
    config = getattr(peft, case.kind)(task_type='CAUSAL_LM', **case.method)
    fields = {'peft_type': str(config.peft_type.value), **case.method} if case.afresh else {}
    figures = make_case(folder, f'../../models/{model_path.name}', base, tokenizer, config, rows, run, seed, fields)
    print(case.name, [round(loss, 3) for loss in figures.losses], [round(norm, 3) for norm in figures.grad_norms])


if __name__ == '__main__':
    main()
