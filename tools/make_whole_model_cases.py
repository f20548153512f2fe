"""Makes tests/fixtures/parity/whole: what PyTorch comes to when every tensor of a tiny model is trained, or a few layers at a time.

usage: python tools/make_whole_model_cases.py [part of a case's name]       (needs torch and transformers, and the models that make_parity_cases.py made)

<name>.json: the run file's fields, its rows, and what was measured; of the trained tensors those that are small.
"""

import json
import sys
from pathlib import Path
from zlib import crc32

import torch
from make_parity_cases import OUT, make_rows
from parity_tasks import Translation
from parity_training import Causal, Recipe, Run, measure, train
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

SMALL = 200


class Lisa(Recipe):
    """The layers that Graft draws for this seed, one draw after the other; embeddings, last norm and head throughout."""

    def __init__(self, interval: int, draws: list[list[int]]):
        self.interval, self.draws = interval, draws

    def before_step(self, model, step: int) -> None:
        active = self.draws[(step - 1) // self.interval]
        layers = [*model.encoder.block, *model.decoder.block] if model.config.is_encoder_decoder else model.model.layers
        for i, layer in enumerate(layers):
            layer.requires_grad_(i in active)


CASES = [
    ('full', 'qwen2', dict(peft_type='FULL'), Recipe()),
    ('full-gpt2', 'gpt2', dict(peft_type='FULL'), Recipe()),
    ('lisa', 'llama', dict(peft_type='LISA', lisa_activated_layers=1, lisa_step_interval=2, seed=7), Lisa(2, [[1], [0], [1]])),
    ('full-t5', 't5', dict(peft_type='FULL'), Recipe()),
    ('full-flan-t5', 'flan-t5', dict(peft_type='FULL'), Recipe()),
    ('lisa-mt5', 'mt5', dict(peft_type='LISA', lisa_activated_layers=2, lisa_step_interval=2, seed=7), Lisa(2, [[1, 4], [2, 5], [1, 5]])),
]


def make(name: str, model_name: str, fields: dict, recipe: Recipe) -> None:
    path = OUT / 'models' / model_name
    is_pair = AutoConfig.from_pretrained(path).is_encoder_decoder
    auto, task, data = (AutoModelForSeq2SeqLM, Translation(), 'translation') if is_pair else (AutoModelForCausalLM, Causal(), 'text')
    model = auto.from_pretrained(path, dtype=torch.float32).requires_grad_(True)
    tokenizer = AutoTokenizer.from_pretrained(path)
    run = Run(max_steps=5, learning_rate=2e-3)
    rows = make_rows(data, run.max_steps * run.batch_size, crc32(name.encode()) % 10000)
    figures = train(model, tokenizer, rows, run, recipe, task)
    settings = {key: value for key, value in vars(run).items() if key != 'num_train_epochs'}
    small = {key: [float(f'{x:.7g}') for x in value.flatten().tolist()] for key, value in model.state_dict().items() if value.numel() <= SMALL}
    case = dict(model=model_name, fields={**fields, **settings, 'shuffle': False}, rows=rows, tensors=small, **figures.as_dict(), **measure(model, tokenizer, rows, run, task))
    (OUT / 'whole').mkdir(exist_ok=True)
    (OUT / 'whole' / f'{name}.json').write_text(json.dumps(case))
    print(name, figures.losses, figures.grad_norms)


if __name__ == '__main__':
    torch.set_num_threads(1)
    for case in CASES:
        if (sys.argv[1] if len(sys.argv) > 1 else '') in case[0]:
            make(*case)
