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
from parity_models import CLASSES, MODELS, classifier, make_model, sentences
from parity_tasks import Classification, Images, Translation, Values, Words
from parity_training import Causal, Recipe, Run, make_case

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
    if kind in LABELS:
        return [{'text': text, 'label': LABELS[kind](text)} for text in sentences(count, seed)]
    if kind == 'pairs':
        return [{'text': a, 'text_pair': b, 'label': class_of(a + b)} for a, b in zip(sentences(count, seed), sentences(count, seed + 1, high=9))]
    if kind == 'words':
        words = [text.split() for text in sentences(count, seed)]
        return [{'tokens': row, 'labels': [class_of(word) for word in row]} for row in words]
    if kind == 'translation':
        return [{'prompt': text, 'completion': reverse(text)} for text in sentences(count, seed, high=9)]
    if kind == 'images':
        return [{'label': index * 7 % CLASSES} for index in range(count)]
    return [{'text': reverse(text) + text[-1]} for text in texts[:count]]


def class_of(text: str) -> int:
    return crc32(text.encode()) % CLASSES


# what a row of a text is to teach, by the kind of data
LABELS = {
    'classes': class_of,
    'value': lambda text: len(text) / 10 - 3,
    'several': lambda text: [int('the' in text), int('of' in text), int(len(text) > 60)],
}
TASKS = {
    'classes': Classification(), 'pairs': Classification(), 'words': Words(), 'value': Values('regression'),
    'several': Values('multi_label_classification'), 'images': Images(), 'translation': Translation(),
}


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
            with_head = base if case.data not in TASKS or case.data == 'translation' else classifier(path, case.data)
            make_one(case, path, copy.deepcopy(with_head), tokenizer, seed=crc32(case.name.encode()) % 10000)


def make_one(case: Case, model_path: Path, base, tokenizer, seed: int) -> None:
    folder = OUT / ('images' if case.data == 'images' else 'cases') / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = Run(**{'max_steps': 5, **case.run})
    rows = make_rows(case.data, case.rows or run.max_steps * run.batch_size * run.gradient_accumulation_steps, seed)
    task = TASKS.get(case.data, Causal())
    config = getattr(peft, case.kind)(task_type=None if case.data == 'images' else task.name, **case.method)
    extra = {**case.fields, **task.fields}
    fields = {'peft_type': str(config.peft_type.value), **case.method, **extra} if case.afresh else extra
    figures = make_case(folder, f'../../models/{model_path.name}', base, tokenizer, config, rows, run, seed, fields, case.recipe or Recipe(), task)
    print(case.name, [round(loss, 3) for loss in figures.losses], [round(norm, 3) for norm in figures.grad_norms])


if __name__ == '__main__':
    main()
