"""One parity case: rows and their labels, the run as Hugging Face PEFT does it, and what is measured on the way."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from transformers import get_scheduler

IGNORE = -100
PROBE = 'Before the frost every basket of sweet seed.'


@dataclass
class Run:
    """Settings of the run file, by Transformers' names."""

    max_length: int = 40
    batch_size: int = 3
    gradient_accumulation_steps: int = 1
    max_steps: int = 0
    num_train_epochs: int = 1
    learning_rate: float = 1e-2
    lr_scheduler_type: str = 'linear'
    warmup_steps: int = 2
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0


class Recipe:
    """How a model gets its adapter, learns and is saved. A case that does one of these otherwise has a recipe of its own."""

    # of the run file, beside those of the case
    fields: dict = {}

    def attach(self, base, config):
        from peft import get_peft_model  # here alone: the rest serves AdapterHub's cases too, where there is no PEFT

        return get_peft_model(base, config)

    def optimizer(self, model, run: Run) -> torch.optim.Optimizer:
        parameters = [p for p in model.parameters() if p.requires_grad]
        return torch.optim.AdamW(parameters, lr=run.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=run.weight_decay)

    def before_step(self, model, step: int) -> None:
        """Before optimizer step `step`, from 1."""

    def penalty(self, model) -> torch.Tensor | None:
        """What is added to the loss of an optimizer step."""

    def after_step(self, model, step: int, figures: 'Figures') -> None:
        """Before the gradients are cleared."""

    def save(self, model, folder: Path) -> None:
        save_adapter(model, folder)


@dataclass
class Figures:
    losses: list[float] = field(default_factory=list)
    grad_norms: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    reg_losses: list[float] = field(default_factory=list)
    # AdaLoRA's masks after each step
    ranks: list[dict[str, list[bool]] | None] = field(default_factory=list)

    def as_dict(self) -> dict:
        return {name: figures for name, figures in vars(self).items() if figures}


def encode(row: dict, tokenizer, max_length: int) -> tuple[list[int], list[int]]:
    """Ids, and labels with IGNORE where no loss is taken."""
    ids, labels = encode_chat(row['messages'], tokenizer) if 'messages' in row else encode_text(row, tokenizer)
    return ids[:max_length], labels[:max_length]


def encode_text(row: dict, tokenizer) -> tuple[list[int], list[int]]:
    """{"text"}: loss on everything; {"prompt", "completion"}: on what ends inside the completion. Both close with EOS."""
    prompt, text = row.get('prompt', ''), row.get('text') or row['prompt'] + row['completion']
    encoded = tokenizer(text, return_offsets_mapping=True)
    labels = [token if end > len(prompt) or not prompt else IGNORE for token, (_, end) in zip(encoded['input_ids'], encoded['offset_mapping'])]
    return encoded['input_ids'] + [tokenizer.eos_token_id], labels + [tokenizer.eos_token_id]


def encode_chat(messages: list[dict], tokenizer) -> tuple[list[int], list[int]]:
    """Loss on each reply with the token that closes it."""
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    spans = []
    for turn, message in enumerate(messages):
        if message['role'] == 'assistant':
            start = len(tokenizer.apply_chat_template(messages[:turn], tokenize=False, add_generation_prompt=True))
            closing = message['content'] + '<|im_end|>'
            assert text[start:].startswith(closing)
            spans.append((start, start + len(closing)))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    inside = [any(first <= start and end <= last for first, last in spans) for start, end in encoded['offset_mapping']]
    return encoded['input_ids'], [token if kept else IGNORE for token, kept in zip(encoded['input_ids'], inside)]


def collate(rows: list[dict], tokenizer, max_length: int):
    """ids, attention mask and labels, padded on the right."""
    encoded = [encode(row, tokenizer, max_length) for row in rows]
    width = max(len(ids) for ids, _ in encoded)
    pad = lambda values, filler: torch.tensor([v + [filler] * (width - len(v)) for v in values])
    ids = [ids for ids, _ in encoded]
    return pad(ids, tokenizer.pad_token_id), pad([[1] * len(v) for v in ids], 0), pad([labels for _, labels in encoded], IGNORE)


def loss_sum(model, batch) -> tuple[torch.Tensor, int]:
    """Summed loss over the targets, and their number."""
    ids, mask, labels = batch
    logits = model(input_ids=ids, attention_mask=mask).logits[:, -ids.shape[1]:]  # those of a prompt stand in front
    targets = labels[:, 1:].reshape(-1)
    summed = cross_entropy(logits[:, :-1].reshape(len(targets), -1), targets, ignore_index=IGNORE, reduction='sum')
    return summed, int((targets != IGNORE).sum())


def optimizer_steps(rows: list[dict], run: Run) -> list[list[list[dict]]]:
    """Rows of each micro-batch of each optimizer step, in file order; the last of an epoch may be short."""
    size, group = run.batch_size, run.gradient_accumulation_steps
    batches = [rows[i:i + size] for i in range(0, len(rows), size)]
    epoch = [batches[i:i + group] for i in range(0, len(batches), group)]
    steps = epoch * (run.num_train_epochs if run.max_steps == 0 else -(-run.max_steps // len(epoch)))
    return steps if run.max_steps == 0 else steps[:run.max_steps]


def write_rows(folder: Path, rows: list[dict]) -> str:
    """The rows as a file of their own; its name for the run file."""
    (folder / 'data.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return './data.jsonl'


class Causal:
    """CAUSAL_LM: the tokens that come next, the mean over those with a label. See parity_tasks.py for the other tasks."""

    name = 'CAUSAL_LM'
    fields: dict = {}

    def collate(self, rows, tokenizer, max_length):
        return collate(rows, tokenizer, max_length)

    def count(self, batch) -> int:
        return int((batch[2][:, 1:] != IGNORE).sum())

    def loss_sum(self, model, batch):
        return loss_sum(model, batch)

    def write(self, folder: Path, rows: list[dict]) -> str:
        return write_rows(folder, rows)

    def probe(self, model, tokenizer, max_length: int) -> list[float]:
        ids, _ = encode({'text': PROBE}, tokenizer, max_length)
        return model(input_ids=torch.tensor([ids])).logits[0, -1].tolist()

    def written(self, model, tokenizer) -> dict:
        """What the model makes of the text word by word, where that is compared."""
        return {}


def train(model, tokenizer, rows: list[dict], run: Run, recipe: Recipe = Recipe(), task=Causal()) -> Figures:
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = recipe.optimizer(model, run)
    steps = optimizer_steps(rows, run)
    scheduler = get_scheduler(run.lr_scheduler_type, optimizer, run.warmup_steps, len(steps))
    figures = Figures()
    model.train()
    for step, micro_batches in enumerate(steps, 1):
        recipe.before_step(model, step)
        batches = [task.collate(batch, tokenizer, run.max_length) for batch in micro_batches]
        targets = sum(task.count(batch) for batch in batches)
        total = 0.0
        for batch in batches:
            loss = task.loss_sum(model, batch)[0] / targets
            loss.backward()
            total += loss.item()
        figures.losses.append(total)
        if (extra := recipe.penalty(model)) is not None:
            extra.backward()
            figures.reg_losses.append(extra.item())
        figures.grad_norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, run.max_grad_norm or float('inf'))))
        figures.learning_rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        recipe.after_step(model, step, figures)
        scheduler.step()
        optimizer.zero_grad()
    model.eval()
    return figures


def jitter(model, seed: int) -> None:
    """Small values for trainable tensors that start at zero, so that every gradient is exercised from the first step."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad and not parameter.any():
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)


def save_adapter(model, folder: Path, **options) -> None:
    """
    PEFT's own files, with sets in a fixed order and without its model card; beside them the encoder of a prompt, where it is one.
    `options` are save_pretrained's.
    """
    model.save_pretrained(folder, **options)
    encoder = {} if not hasattr(model, 'prompt_encoder') else model.prompt_encoder['default'].state_dict()
    if len(encoder) > 1:
        save_file({name: tensor.contiguous() for name, tensor in encoder.items()}, folder / 'prompt_encoder.safetensors')
    (folder / 'README.md').unlink(missing_ok=True)
    sort_config(folder / 'adapter_config.json')


def sort_config(path: Path) -> None:
    config = {key: sorted(value) if isinstance(value, list) and key != 'token_indices' else value for key, value in json.loads(path.read_text()).items()}
    path.write_text(json.dumps({**config, 'base_model_name_or_path': None}, indent=1))


@torch.no_grad()
def measure(model, tokenizer, rows: list[dict], run: Run, task=Causal()) -> dict:
    """Loss over the first six rows, and logits after a text (encoded as a {"text"} row) that is not cut, or of its classes."""
    sums = [task.loss_sum(model, task.collate([row], tokenizer, run.max_length)) for row in rows[:6]]
    logits = task.probe(model, tokenizer, run.max_length)
    return {
        'eval_loss': float(sum(loss for loss, _ in sums)) / sum(count for _, count in sums),
        'eval_tokens': sum(count for _, count in sums),
        'probe': {'text': PROBE, 'logits': [float(f'{value:.7g}') for value in logits], **task.written(model, tokenizer)},
    }


def make_case(folder: Path, model_path: str, base, tokenizer, config: 'PeftConfig', rows: list[dict], run: Run, seed: int,
              fields: dict, recipe: Recipe = Recipe(), task=Causal()) -> Figures:
    """
    Writes config.yaml, data.jsonl, init/, final/ and expect.json. `fields` are further fields of the run file; with peft_type
    among them it starts afresh, else from init/.
    """
    torch.manual_seed(seed)
    model = recipe.attach(base, config)
    if 'peft_type' not in fields:
        jitter(model, seed)
    recipe.save(model, folder / 'init')
    dataset = task.write(folder, rows)
    settings = {
        'model': model_path, 'task_type': task.name, 'dataset': dataset, **({} if 'peft_type' in fields else {'init_adapter': './init'}), **fields,
        **recipe.fields, **vars(run), 'shuffle': False, 'packing': False, 'logging_steps': 1,
    }
    if run.max_steps:
        del settings['num_train_epochs']
    else:
        del settings['max_steps']
    (folder / 'config.yaml').write_text(''.join(f'{name}: {json.dumps(value)}\n' for name, value in settings.items()))
    figures = train(model, tokenizer, rows, run, recipe, task)
    recipe.save(model, folder / 'final')
    (folder / 'final' / 'adapter_config.json').unlink()
    for beside in ('prompt_encoder.safetensors', 'graft_state.safetensors'):
        (folder / 'final' / beside).unlink(missing_ok=True)
    expected = {
        **figures.as_dict(),
        'trainable': sum(p.numel() for p in model.parameters() if p.requires_grad),
        **measure(model, tokenizer, rows, run, task),
    }
    (folder / 'expect.json').write_text(json.dumps(expected))
    return figures
