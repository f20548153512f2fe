"""Makes the parity cases that AdapterHub's library `adapters` judges, over models and rows of the cases that PEFT judges.

usage: python tools/make_adapterhub_cases.py [part of a case's name]
       (needs adapters 1.3 with transformers 4.57, torch and safetensors, for hybrid cases peft; one thread. PEFT's cases must be there.)

cases/adapterhub-<name>/   as tools/make_parity_cases.py lays them out; init/ and final/ are folders that `adapters` saved
"""

import json
import shutil
import sys
from pathlib import Path
from zlib import crc32

import adapters
import torch
from adapters import DiReftConfig, DoubleSeqBnConfig, LoReftConfig, NoReftConfig, ParBnConfig, SeqBnConfig
from adapterhub_model import open_model, open_processor
from parity_tasks import Classification, Images, Translation, Words
from parity_training import Causal, Run, jitter, measure, save_adapter, train
from safetensors.torch import save_file

PARITY = Path(__file__).resolve().parent.parent / 'tests' / 'fixtures' / 'parity'
ROWS = {
    'CAUSAL_LM': PARITY / 'cases' / 'llama-lora' / 'data.jsonl', 'SEQ_CLS': PARITY / 'cases' / 'bert-lora' / 'data.jsonl',
    'TOKEN_CLS': PARITY / 'cases' / 'roberta-lora-words' / 'data.jsonl',
    'SEQ_2_SEQ_LM': PARITY / 'cases' / 't5-lora' / 'data.jsonl',
}
NAME = 'default'
SAFETENSORS = {'pytorch_adapter.bin': 'adapter.safetensors', 'pytorch_model_head.bin': 'model_head.safetensors'}
WORDS, CLASSES, IMAGES = Words(), Classification(), Images()
IMAGE_ROWS = [{'label': index * 7 % 3} for index in range(8)]

# name, model, config, of a hybrid PEFT's LoraConfig beside it, and the task where it is not the model's usual one
CASES = [
    ('llama-houlsby', 'llama', DoubleSeqBnConfig(), None),
    ('llama-pfeiffer', 'llama', SeqBnConfig(reduction_factor=7), None),
    ('llama-parallel', 'llama', ParBnConfig(reduction_factor=8), None),
    ('llama-attention-only', 'llama', SeqBnConfig(mh_adapter=True, output_adapter=False, leave_out=[0], reduction_factor=4.5,
                                                  non_linearity='gelu', scaling='learned', residual_before_ln=False), None),
    ('llama-houlsby-norms', 'llama', DoubleSeqBnConfig(reduction_factor={'0': 4, 'default': 12}, ln_after=True, non_linearity='gelu_new',
                                                       adapter_residual_before_ln=True, scaling='channel'), None),
    ('llama-loreft', 'llama', LoReftConfig(r=3, layers=[1], suffix_positions=2, dropout=0.0), None),
    ('llama-loreft-first', 'llama', LoReftConfig(r=2, layers=[0], prefix_positions=5, dropout=0.0), None),
    ('llama-noreft-tied', 'llama', NoReftConfig(r=2, prefix_positions=4, suffix_positions=3, tied_weights=True, dropout=0.0, non_linearity='relu'), None),
    ('llama-direft', 'llama', DiReftConfig(r=2, prefix_positions=0, suffix_positions=4, dropout=0.0), None),
    ('llama-hybrid', 'llama', SeqBnConfig(reduction_factor=9), dict(r=2, lora_alpha=6, target_modules=['q_proj', 'down_proj'])),
    ('gpt2-houlsby', 'gpt2', DoubleSeqBnConfig(reduction_factor=9), None),
    ('gpt2-parallel', 'gpt2', ParBnConfig(reduction_factor=9, mh_adapter=True, scaling='learned'), None),
    ('gpt2-loreft', 'gpt2', LoReftConfig(r=2, layers=[0], suffix_positions=1, dropout=0.0), None),
    ('bert-houlsby', 'bert', DoubleSeqBnConfig(reduction_factor=9), None),
    ('bert-pfeiffer', 'bert', SeqBnConfig(reduction_factor=9, mh_adapter=True, residual_before_ln='post_add'), None),
    ('bert-parallel', 'bert', ParBnConfig(reduction_factor=6, scaling=0.5), None),
    ('bert-before-norm', 'bert', SeqBnConfig(reduction_factor=9, original_ln_after=False, residual_before_ln=False, non_linearity='gelu'), None),
    ('bert-noreft', 'bert', NoReftConfig(r=3, suffix_positions=2, dropout=0.0), None),
    ('mistral-parallel', 'mistral', ParBnConfig(mh_adapter=True, scaling=2.0, ln_after=True, non_linearity='tanh', reduction_factor=5), None),
    ('mistral-houlsby-norms', 'mistral', DoubleSeqBnConfig(reduction_factor=8, ln_before=True, ln_after=True, leave_out=[1]), None),
    ('mistral-direft-classes', 'mistral', DiReftConfig(r=2, prefix_positions=2, suffix_positions=1, dropout=0.0), None, CLASSES),
    ('mistral-hybrid', 'mistral', ParBnConfig(reduction_factor=8), dict(r=2, lora_alpha=3, target_modules=['v_proj', 'gate_proj'])),
    ('llama-houlsby-classes', 'llama', DoubleSeqBnConfig(reduction_factor=9), None, CLASSES),
    ('llama-parallel-words', 'llama', ParBnConfig(reduction_factor=6, ln_before=True), None, WORDS),
    ('gpt2-pfeiffer-classes', 'gpt2', SeqBnConfig(reduction_factor=9, ln_before=True), None, CLASSES),
    ('gpt2-noreft-words', 'gpt2', NoReftConfig(r=2, suffix_positions=2, dropout=0.0), None, WORDS),
    ('gpt2-hybrid', 'gpt2', DoubleSeqBnConfig(reduction_factor=9), dict(r=2, lora_alpha=4, target_modules=['c_attn'], fan_in_fan_out=True)),
    ('bert-houlsby-words', 'bert', DoubleSeqBnConfig(reduction_factor=9, ln_before=True, ln_after=True), None, WORDS),
    ('roberta-houlsby', 'roberta', DoubleSeqBnConfig(reduction_factor=7, scaling='channel'), None),
    ('roberta-parallel-words', 'roberta', ParBnConfig(reduction_factor=7, mh_adapter=True), None, WORDS),
    ('roberta-loreft', 'roberta', LoReftConfig(r=2, layers=[0], suffix_positions=2, dropout=0.0), None),
    ('distilbert-houlsby', 'distilbert', DoubleSeqBnConfig(reduction_factor=7), None),
    ('distilbert-pfeiffer-words', 'distilbert', SeqBnConfig(reduction_factor=5, mh_adapter=True, residual_before_ln=False), None, WORDS),
    ('distilbert-parallel', 'distilbert', ParBnConfig(reduction_factor=6, mh_adapter=True), None),
    ('distilbert-before-norm', 'distilbert', SeqBnConfig(reduction_factor=6, original_ln_before=False, ln_after=True), None),
    ('distilbert-direft', 'distilbert', DiReftConfig(r=2, dropout=0.0), None),
    ('vit-houlsby', 'vit', DoubleSeqBnConfig(reduction_factor=7), None, IMAGES),
    ('vit-pfeiffer', 'vit', SeqBnConfig(reduction_factor=6, mh_adapter=True, original_ln_after=False), None, IMAGES),
    ('vit-parallel', 'vit', ParBnConfig(reduction_factor=6, mh_adapter=True, scaling='learned'), None, IMAGES),
    ('vit-loreft', 'vit', LoReftConfig(r=2, layers=[1], suffix_positions=1, dropout=0.0), None, IMAGES),
    ('t5-houlsby', 't5', DoubleSeqBnConfig(reduction_factor=9), None),
    ('flan-t5-pfeiffer-cross', 'flan-t5', SeqBnConfig(reduction_factor=8, cross_adapter=True), None),
    ('flan-t5-parallel', 'flan-t5', ParBnConfig(reduction_factor=10, mh_adapter=True, cross_adapter=True, scaling='learned'), None),
    ('mt5-pfeiffer', 'mt5', SeqBnConfig(reduction_factor=6, leave_out=[1, 4], residual_before_ln=False), None),
]


def save(model, folder: Path, lora, task: str) -> None:
    """
    The folder of `adapters`, with a classifier's head but without a language model's, which is frozen, and without the name of a
    folder here; of a hybrid adapter/ beside PEFT's lora/.
    """
    own = folder if lora is None else folder / 'adapter'
    own.mkdir(parents=True)
    inner = model if lora is None else model.get_base_model()
    inner.save_adapter(own, NAME, with_head=task not in ('CAUSAL_LM', 'SEQ_2_SEQ_LM'), use_safetensors=False)
    for path in own.glob('pytorch_*.bin'):  # safetensors refuses the norm in front of a bottleneck, which has two names
        tensors = {name: tensor.clone() for name, tensor in torch.load(path, weights_only=True).items()}
        save_file(tensors, own / SAFETENSORS[path.name], metadata={'format': 'pt'})
        path.unlink()
    for path in own.glob('*_config.json'):
        config = {**json.loads(path.read_text()), 'model_name': None}
        if config['config'] and getattr(inner.adapters_config.get(NAME), 'subtract_projection', None) is False:
            config['config']['subtract_projection'] = False  # `adapters` forgets it: its own DiReFT does not outlive saving
        path.write_text(json.dumps(config, indent=1))
    if lora is not None:
        save_adapter(model, folder / 'lora')


def add_lora(model, lora: dict):
    """LoRA over a model with an adapter, both of them trained: PEFT freezes what is not its own."""
    from peft import LoraConfig, get_peft_model

    both = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', **lora))
    for name, parameter in both.named_parameters():
        if '.adapters.' in name:
            parameter.requires_grad = True
    return both


def usual_task(model_name: str):
    if model_name in ('t5', 'flan-t5', 'mt5'):
        return Translation()
    return CLASSES if model_name in ('bert', 'roberta', 'distilbert') else Causal()


def make_case(name: str, model_name: str, config, lora, task=None) -> None:
    task = task or usual_task(model_name)
    folder = PARITY / ('images' if task is IMAGES else 'cases') / f'adapterhub-{name}'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seed = crc32(name.encode()) % 10000
    torch.manual_seed(seed)
    model = open_model(PARITY / 'models' / model_name, task.name)
    tokenizer = open_processor(PARITY / 'models' / model_name, task.name)
    adapters.init(model)
    model.add_adapter(NAME, config=config)
    model.train_adapter(NAME)
    if lora is not None:
        model = add_lora(model, lora)
    jitter(model, seed)
    save(model, folder / 'init', lora, task.name)
    rows = IMAGE_ROWS if task is IMAGES else [json.loads(line) for line in ROWS[task.name].read_text().splitlines()]
    dataset = task.write(folder, rows)
    run = Run(max_steps=4, batch_size=2) if task is IMAGES else Run(max_steps=5)
    settings = {'model': f'../../models/{model_name}', 'task_type': task.name, 'dataset': dataset, 'init_adapter': './init',
                **vars(run), 'shuffle': False, 'packing': False, 'logging_steps': 1}
    del settings['num_train_epochs']
    (folder / 'config.yaml').write_text(''.join(f'{key}: {json.dumps(value)}\n' for key, value in settings.items()))
    figures = train(model, tokenizer, rows, run, task=task)
    save(model, folder / 'final', lora, task.name)
    for path in folder.glob('final/**/*_config.json'):
        path.unlink()
    expected = {
        **vars(figures),
        'trainable': sum(p.numel() for p in model.parameters() if p.requires_grad),
        **measure(model, tokenizer, rows, run, task),
    }
    (folder / 'expect.json').write_text(json.dumps(expected))
    print(name, [round(loss, 3) for loss in figures.losses], [round(norm, 3) for norm in figures.grad_norms])


def main() -> None:
    torch.set_num_threads(1)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    for case in CASES:
        if wanted in case[0]:
            make_case(*case)


if __name__ == '__main__':
    main()
