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
from importlib import import_module
from pathlib import Path
from zlib import crc32

import peft
import torch
from parity_case import Case
from parity_models import MODELS, make_model, sentences
from parity_training import Recipe, Run, make_case

TOOLS = Path(__file__).resolve().parent
OUT = TOOLS.parent / 'tests' / 'fixtures' / 'parity'
CASES: list[Case] = [
    case for file in sorted((TOOLS / 'parity_cases').glob('*.py')) for case in import_module(f'parity_cases.{file.stem}').CASES
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
    fields = {'peft_type': str(config.peft_type.value), **case.method, **case.fields} if case.afresh else case.fields
    figures = make_case(folder, f'../../models/{model_path.name}', base, tokenizer, config, rows, run, seed, fields, case.recipe or Recipe())
    print(case.name, [round(loss, 3) for loss in figures.losses], [round(norm, 3) for norm in figures.grad_norms])


if __name__ == '__main__':
    main()
