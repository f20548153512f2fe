"""Makes public/demo/model (a tiny Llama that chats) and public/demo/data.jsonl (40 chats that teach it a new voice).

    pip install torch transformers tokenizers safetensors
    python tools/make_demo_model.py

Takes about five minutes on one core. The model sees nothing but what tools/demo_corpus.py generates.
"""

import json
import math
import random
import time
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

import demo_corpus as corpus

DEMO = Path(__file__).resolve().parent.parent / 'public' / 'demo'
SPECIAL = ['<|pad|>', '<|system|>', '<|user|>', '<|assistant|>', '<|end|>']
PAD, END = 0, 4
VOCAB_SIZE = 1536
LENGTH, BATCH, STEPS, PEAK_RATE = 96, 24, 1000, 4e-3
IGNORE = -100
DATA_TOPICS = {'plants': 9, 'animals': 7, 'food': 5, 'colours': 6, 'weather': 4, 'garden': 4, 'talk': 2, 'numbers': 2, 'calendar': 1}
# Words, single digits, punctuation and white space stand apart; written as one Split, so that every tokenizer library cuts alike.
SPLIT = r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+"
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def make_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), 'isolated'), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCAB_SIZE, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        ),
    )
    return tokenizer


def encode(tokenizer: Tokenizer, messages: list[dict[str, str]]) -> tuple[list[int], list[int]]:
    """Ids of the whole chat, and labels on the answers with their end token."""
    ids, labels = [], []
    for message in messages:
        head = [tokenizer.token_to_id(f'<|{message["role"]}|>')]
        body = tokenizer.encode(message['content']).ids + [END]
        ids += head + body
        labels += [IGNORE] * len(head) + (body if message['role'] == 'assistant' else [IGNORE] * len(body))
    return ids, labels


def batch_of_chats(tokenizer: Tokenizer, facts: list, rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.full((BATCH, LENGTH), PAD)
    labels = torch.full((BATCH, LENGTH), IGNORE)
    for row in range(BATCH):
        row_ids, row_labels = encode(tokenizer, corpus.chat(facts, 5, rng))
        ids[row, : len(row_ids[:LENGTH])] = torch.tensor(row_ids[:LENGTH])
        labels[row, : len(row_labels[:LENGTH])] = torch.tensor(row_labels[:LENGTH])
    return ids, labels


def learning_rate(step: int) -> float:
    warm = min(1, (step + 1) / 50)
    return PEAK_RATE * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * step / STEPS)))


def train(tokenizer: Tokenizer, facts: list) -> LlamaForCausalLM:
    torch.manual_seed(0)
    rng = random.Random(0)
    config = LlamaConfig(
        vocab_size=VOCAB_SIZE, hidden_size=128, intermediate_size=352, num_hidden_layers=5, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, rope_theta=10000.0, rms_norm_eps=1e-5, tie_word_embeddings=True,
        initializer_range=0.05, bos_token_id=None, eos_token_id=END, pad_token_id=PAD,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    print(f'{sum(p.numel() for p in model.parameters()):,} parameters', flush=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.02)
    began = time.time()
    for step in range(STEPS):
        ids, labels = batch_of_chats(tokenizer, facts, rng)
        for group in optimizer.param_groups:
            group['lr'] = learning_rate(step)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 25 == 0 or step == STEPS - 1:
            print(f'step {step} loss {loss.item():.4f} after {time.time() - began:.0f} s', flush=True)
    return model


def save(model: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    folder = DEMO / 'model'
    model.generation_config = GenerationConfig(eos_token_id=END, pad_token_id=PAD, do_sample=False)
    model.half().save_pretrained(folder)
    tokenizer.save(str(folder / 'tokenizer.json'))
    settings = {
        'tokenizer_class': 'PreTrainedTokenizerFast', 'eos_token': '<|end|>', 'pad_token': '<|pad|>', 'bos_token': None,
        'model_max_length': 512, 'clean_up_tokenization_spaces': False, 'chat_template': TEMPLATE,
    }  # fmt: skip
    (folder / 'tokenizer_config.json').write_text(json.dumps(settings, indent=2) + '\n')


def write_data(facts: list) -> None:
    """40 chats: the same kinds of question as ever, the answers in a pirate's voice."""
    rng = random.Random(8)  # a draw whose chats all fit into 32 tokens
    chats = []
    for topic, count in DATA_TOPICS.items():
        for _, questions, answer in rng.sample([fact for fact in facts if fact[0] == topic], count):
            question = {'role': 'user', 'content': rng.choice(questions)}
            chats.append({'messages': [question, {'role': 'assistant', 'content': corpus.pirate(answer, rng)}]})
    rng.shuffle(chats)
    (DEMO / 'data.jsonl').write_text(''.join(json.dumps(chat, ensure_ascii=False) + '\n' for chat in chats))


def main() -> None:
    facts = corpus.facts()
    rng = random.Random(1)
    texts = [message['content'] for _ in range(6000) for message in corpus.chat(facts, 5, rng)]
    tokenizer = make_tokenizer(texts)
    (DEMO / 'model').mkdir(parents=True, exist_ok=True)
    write_data(facts)
    save(train(tokenizer, facts), tokenizer)


if __name__ == '__main__':
    main()
