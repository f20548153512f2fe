"""What the tasks of parity cases learn from a row: how it is encoded, its loss, and the logits that are compared."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from parity_training import IGNORE, PROBE, write_rows
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss


# of the reply that is compared
REPLY_TOKENS = 12


def pad(rows: list[list], filler) -> torch.Tensor:
    width = max(len(row) for row in rows)
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])


class Classification:
    """SEQ_CLS: one class a row, the mean over rows; texts or pairs of them."""

    name = 'SEQ_CLS'
    fields: dict = {}

    def collate(self, rows: list[dict], tokenizer, max_length: int) -> dict:
        encoded = [self.encode(row, tokenizer, max_length) for row in rows]
        types = {} if 'text_pair' not in rows[0] else {'token_type_ids': pad([list(e['token_type_ids']) for e in encoded], 0)}
        return {
            'input_ids': pad([list(e['input_ids']) for e in encoded], tokenizer.pad_token_id),
            'attention_mask': pad([[1] * len(e['input_ids']) for e in encoded], 0),
            **types,
            'labels': self.labels(rows, encoded),
        }

    def encode(self, row: dict, tokenizer, max_length: int):
        return tokenizer(row['text'], row.get('text_pair'), truncation=True, max_length=max_length, return_token_type_ids='text_pair' in row)

    def labels(self, rows: list[dict], encoded: list) -> torch.Tensor:
        return torch.tensor([row['label'] for row in rows])

    def count(self, batch: dict) -> int:
        return len(batch['labels'])

    def write(self, folder: Path, rows: list[dict]) -> str:
        return write_rows(folder, rows)

    def loss_sum(self, model, batch: dict) -> tuple[torch.Tensor, int]:
        inputs = {name: value for name, value in batch.items() if name != 'labels'}
        return self.loss(model(**inputs).logits, batch['labels']), self.count(batch)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return cross_entropy(logits, labels, reduction='sum')

    def probe(self, model, tokenizer, max_length: int) -> list[float]:
        ids = tokenizer(PROBE, return_tensors='pt', return_token_type_ids=False)
        return model(**ids).logits.reshape(-1).tolist()

    def written(self, model, tokenizer) -> dict:
        return {}


class Values(Classification):
    """SEQ_CLS with a value for each output: the mean over all of them."""

    def __init__(self, kind: str):
        self.fields = {'problem_type': kind}
        self.of = mse_loss if kind == 'regression' else binary_cross_entropy_with_logits

    def labels(self, rows, encoded):
        return torch.tensor([[row['label']] if isinstance(row['label'], float) else row['label'] for row in rows], dtype=torch.float32)

    def count(self, batch):
        return batch['labels'].numel()

    def loss(self, logits, labels):
        return self.of(logits, labels, reduction='sum')


class Words(Classification):
    """TOKEN_CLS: a class for the first token of each word, the mean over words."""

    name = 'TOKEN_CLS'

    def encode(self, row, tokenizer, max_length):
        return tokenizer(row['tokens'], is_split_into_words=True, truncation=True, max_length=max_length)

    def labels(self, rows, encoded):
        def of(row, encoding):
            words = encoding.word_ids()
            return [IGNORE if word is None or word == before else row['labels'][word] for word, before in zip(words, [None] + words)]

        return pad([of(row, encoding) for row, encoding in zip(rows, encoded)], IGNORE)

    def count(self, batch):
        return int((batch['labels'] != IGNORE).sum())

    def loss(self, logits, labels):
        own = logits[:, -labels.shape[1]:]  # those of a prompt stand in front
        return cross_entropy(own.reshape(-1, own.shape[-1]), labels.reshape(-1), ignore_index=IGNORE, reduction='sum')

    def probe(self, model, tokenizer, max_length):
        ids = tokenizer(PROBE, return_tensors='pt', return_token_type_ids=False)
        return model(**ids).logits[:, -ids['input_ids'].shape[1]:].reshape(-1).tolist()


class Images(Classification):
    """Image classification, which peft has no task_type for; a row is an image's path and class."""

    name = 'IMAGE_CLS'

    def write(self, folder, rows):
        """Images of noise around a colour for each class, beside a metadata.jsonl."""
        (folder / 'images').mkdir()
        lines = []
        for index, row in enumerate(rows):
            height, width = 17 + index % 9, 31 - index % 7
            noise = np.random.default_rng(index).integers(0, 120, (height, width, 3))
            noise[:, :, row['label']] += 100
            row['path'] = folder / 'images' / f'{index}.png'
            Image.fromarray(noise.astype(np.uint8)).save(row['path'])
            lines.append(json.dumps({'file_name': f'{index}.png', 'label': row['label']}))
        (folder / 'images' / 'metadata.jsonl').write_text('\n'.join(lines) + '\n')
        self.probed = rows[0]['path']
        return './images'

    def collate(self, rows, processor, max_length):
        images = [Image.open(row['path']).convert('RGB') for row in rows]
        pixels = processor(images, return_tensors='pt')['pixel_values']
        return {'pixel_values': pixels, 'labels': self.labels(rows, images)}

    def probe(self, model, processor, max_length):
        return model(pixel_values=processor(Image.open(self.probed).convert('RGB'), return_tensors='pt')['pixel_values'])[0].reshape(-1).tolist()


class Translation(Classification):
    """SEQ_2_SEQ_LM: the tokens of the target behind those of the source, the mean over them."""

    name = 'SEQ_2_SEQ_LM'

    def collate(self, rows, tokenizer, max_length):
        encoded = [tokenizer(row['prompt'], truncation=True, max_length=max_length)['input_ids'] for row in rows]
        targets = [tokenizer(row['completion'], truncation=True, max_length=max_length)['input_ids'] for row in rows]
        return {
            'input_ids': pad(encoded, tokenizer.pad_token_id),
            'attention_mask': pad([[1] * len(ids) for ids in encoded], 0),
            'labels': pad(targets, IGNORE),
        }

    def count(self, batch):
        return int((batch['labels'] != IGNORE).sum())

    def loss_sum(self, model, batch):
        logits = model(**batch).logits
        return cross_entropy(logits.reshape(-1, logits.shape[-1]), batch['labels'].reshape(-1), ignore_index=IGNORE, reduction='sum'), self.count(batch)

    def probe(self, model, tokenizer, max_length):
        """The logits of the first token that the decoder writes."""
        ids = tokenizer(PROBE, return_tensors='pt', return_token_type_ids=False)
        start = torch.tensor([[model.config.decoder_start_token_id]])
        return model(**ids, decoder_input_ids=start).logits[0, -1].tolist()

    def written(self, model, tokenizer):
        """Not by generate(), whose cache has no place for the layers that a decoder has more than its encoder."""
        ids = tokenizer(PROBE, return_tensors='pt', return_token_type_ids=False)
        reply = [model.config.decoder_start_token_id]
        while len(reply) <= REPLY_TOKENS and (len(reply) == 1 or reply[-1] != tokenizer.eos_token_id):
            reply.append(int(model(**ids, decoder_input_ids=torch.tensor([reply])).logits[0, -1].argmax()))
        return {'reply': tokenizer.decode(reply, skip_special_tokens=True)}
