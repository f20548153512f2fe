"""The tiny models of the parity cases: awkward sizes, every way a checkpoint is spelled, one tokenizer."""

import json
import random
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Quant
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen3Config

WORDS = (
    'orchard ladder basket blossom pollen bee hive honey frost thaw rain drought furrow seed sprout vine trellis prune thin '
    'pick sort crate press juice cider jam peel core slice dry store sell market early late ripe sour sweet the a of in and '
    'over under with before after every some no two three seven'
).split()
EOS, PAD, BOS, START, END = '<|endoftext|>', '<|pad|>', '<|bos|>', '<|im_start|>', '<|im_end|>'
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
VOCAB_SIZE = 300


def sentences(count: int, seed: int, low=3, high=17) -> list[str]:
    rng = random.Random(seed)
    made = [' '.join(rng.choice(WORDS) for _ in range(rng.randint(low, high))) for _ in range(count)]
    return [text.capitalize() + rng.choice('.!?') for text in made]


def make_tokenizer(adds_bos: bool) -> PreTrainedTokenizerFast:
    """Byte-level BPE; with `adds_bos` every text begins with <|bos|>, as Llama 3's do."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=[EOS, PAD, BOS, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences(500, seed=1), trainer)
    if adds_bos:
        bos = (BOS, tokenizer.token_to_id(BOS))
        tokenizer.post_processor = processors.TemplateProcessing(single=f'{BOS} $A', special_tokens=[bos])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=EOS, pad_token=PAD, bos_token=BOS, chat_template=TEMPLATE)


COMMON = dict(vocab_size=VOCAB_SIZE, eos_token_id=0, pad_token_id=1, bos_token_id=2, num_hidden_layers=2)
LLAMA3_ROPE = dict(
    rope_type='llama3', rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
)


def rope(theta=10000.0, **scaling) -> dict:
    return {'rope_theta': theta, 'rope_type': 'default', **scaling}


# Each: the config, and how the checkpoint is written. `old` is Transformers 4's spelling; `shard` the size of a shard.
MODELS = {
    'llama': dict(
        config=LlamaConfig(hidden_size=36, intermediate_size=45, num_attention_heads=6, num_key_value_heads=2,
                           max_position_embeddings=128, rope_parameters=rope(), tie_word_embeddings=False, **COMMON)),
    'llama-linear': dict(
        config=LlamaConfig(hidden_size=40, intermediate_size=50, num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=256,
                           rope_parameters=rope(rope_type='linear', factor=4.0), tie_word_embeddings=False, **COMMON),
        dtype=torch.float16, old=True),
    'llama3': dict(
        config=LlamaConfig(hidden_size=48, intermediate_size=56, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
                           rope_parameters=LLAMA3_ROPE, tie_word_embeddings=True, **COMMON),
        shard='90KB', adds_bos=True),
    'mistral': dict(
        config=MistralConfig(hidden_size=32, intermediate_size=56, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
                             max_position_embeddings=128, sliding_window=12, rope_parameters=rope(1000000.0), tie_word_embeddings=False, **COMMON),
        dtype=torch.bfloat16),
    'qwen2': dict(
        config=Qwen2Config(hidden_size=42, intermediate_size=60, num_attention_heads=7, num_key_value_heads=1,
                           max_position_embeddings=128, rope_parameters=rope(1000000.0), tie_word_embeddings=True, **COMMON),
        old=True),
    'qwen3': dict(
        config=Qwen3Config(hidden_size=32, intermediate_size=44, num_attention_heads=4, num_key_value_heads=2, head_dim=20,
                           max_position_embeddings=128, rope_parameters=rope(), tie_word_embeddings=True, **COMMON)),
    'llama-gguf': dict(
        config=LlamaConfig(hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
                           rope_parameters=LLAMA3_ROPE, tie_word_embeddings=False, **COMMON),
        gguf=dict(embedding=Quant.Q8_0, attention=Quant.Q4_0, mlp=Quant.Q4_1, head=Quant.Q8_0), pre='smollm'),
    'qwen2-gguf': dict(
        config=Qwen2Config(hidden_size=64, intermediate_size=32, num_attention_heads=4, num_key_value_heads=2,
                           max_position_embeddings=128, rope_parameters=rope(1000000.0), tie_word_embeddings=True, **COMMON),
        gguf=dict(embedding=Quant.Q4_1, attention=Quant.Q8_0, mlp=Quant.Q4_0, head=None), pre='default'),
}


def make_model(name: str, folder: Path):
    """Writes the checkpoint and gives (path, model with the weights that the checkpoint stands for in f32, tokenizer)."""
    spec = MODELS[name]
    seed = 100 + list(MODELS).index(name)
    torch.manual_seed(seed)
    tokenizer = make_tokenizer(spec.get('adds_bos', False))
    model = AutoModelForCausalLM.from_config(spec['config']).float()
    make_lively(model)
    pretrain(model, tokenizer, seed)
    if 'gguf' in spec:
        path = folder / f'{name}.gguf'
        write_gguf(path, model, tokenizer, spec['gguf'], spec['pre'])
        return path, model.eval(), tokenizer
    path = folder / name
    model.to(spec.get('dtype', torch.float32)).save_pretrained(path, max_shard_size=spec.get('shard', '10MB'))
    (path / 'generation_config.json').unlink()
    write_tokenizer(path, tokenizer)
    if spec.get('old'):
        spell_as_transformers_4(path / 'config.json')
    return path, AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval(), tokenizer


def make_lively(model) -> None:
    """Away from the default initialisation, where outputs are all but uniform and norms and biases trivial."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2.0)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)


def pretrain(model, tokenizer, seed: int, steps=60, batch=16) -> None:
    """A short full training, so that the backbone has structure to adapt."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    texts = sentences(steps * batch, seed)
    for step in range(steps):
        rows = [text + EOS for text in texts[step * batch:(step + 1) * batch]]
        inputs = tokenizer(rows, padding=True, truncation=True, max_length=40, return_tensors='pt')
        labels = inputs['input_ids'].masked_fill(inputs['attention_mask'] == 0, -100)
        loss = model(input_ids=inputs['input_ids'], attention_mask=inputs['attention_mask'], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.zero_grad(set_to_none=True)


def write_tokenizer(path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    (path / 'tokenizer.json').write_text(json.dumps(json.loads(tokenizer.backend_tokenizer.to_str())))
    config = {'tokenizer_class': 'PreTrainedTokenizerFast', 'bos_token': BOS, 'eos_token': EOS, 'pad_token': PAD, 'chat_template': TEMPLATE}
    (path / 'tokenizer_config.json').write_text(json.dumps(config, indent=1))


def spell_as_transformers_4(path: Path) -> None:
    config = json.loads(path.read_text())
    parameters = config.pop('rope_parameters')
    config['rope_theta'] = parameters.pop('rope_theta')
    kind = parameters.pop('rope_type')
    config['rope_scaling'] = None if kind == 'default' else {'type': kind, **parameters}
    config['torch_dtype'] = config.pop('dtype')
    config['transformers_version'] = '4.40.0'
    if config['num_key_value_heads'] == config['num_attention_heads']:
        del config['num_key_value_heads'], config['head_dim']
    path.write_text(json.dumps(config, indent=2, sort_keys=True))


GGUF_NAMES = {
    'self_attn.q_proj': ('attn_q', 'attention'), 'self_attn.k_proj': ('attn_k', 'attention'), 'self_attn.v_proj': ('attn_v', 'attention'),
    'self_attn.o_proj': ('attn_output', 'attention'), 'mlp.gate_proj': ('ffn_gate', 'mlp'), 'mlp.up_proj': ('ffn_up', 'mlp'),
    'mlp.down_proj': ('ffn_down', 'mlp'), 'input_layernorm': ('attn_norm', None), 'post_attention_layernorm': ('ffn_norm', None),
}


def gguf_name(name: str) -> tuple[str, str | None]:
    """(tensor's name in the file, which of the quantisations it takes)."""
    if not name.startswith('model.layers.'):
        return {'model.embed_tokens.weight': ('token_embd.weight', 'embedding'), 'model.norm.weight': ('output_norm.weight', None),
                'lm_head.weight': ('output.weight', 'head')}[name]
    _, _, layer, module = name.split('.', 3)
    module, kind = module.rsplit('.', 1)
    stored, group = GGUF_NAMES[module]
    return f'blk.{layer}.{stored}.{kind}', group if kind == 'weight' else None


def write_gguf(path: Path, model, tokenizer, quants: dict, pre: str) -> None:
    """Writes the file as llama.cpp's converter does, and leaves in the model the values that the file decodes to."""
    config = model.config
    architecture = config.model_type
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters['rope_theta'])
    if architecture == 'llama':
        writer.add_rope_dimension_count(config.head_dim)
        writer.add_vocab_size(config.vocab_size)
    add_gguf_tokenizer(writer, tokenizer, pre)
    if config.rope_parameters['rope_type'] == 'llama3':
        head_dim = config.hidden_size // config.num_attention_heads
        plain = config.rope_parameters['rope_theta'] ** (-torch.arange(0, head_dim, 2).float() / head_dim)
        writer.add_tensor('rope_freqs.weight', (plain / model.model.rotary_emb.inv_freq).numpy().astype(np.float32))
    for name, parameter in model.named_parameters():
        stored, group = gguf_name(name)
        values = parameter.detach().numpy().astype(np.float32)
        if group is not None:
            blocks = gguf.quants.quantize(values, quants[group])
            values = gguf.quants.dequantize(blocks, quants[group])
            parameter.data = torch.from_numpy(values)
        if architecture == 'llama' and ('attn_q' in stored or 'attn_k' in stored):
            heads = config.num_attention_heads if 'attn_q' in stored else config.num_key_value_heads
            blocks = interleave_halves(blocks, heads)
        if group is None:
            writer.add_tensor(stored, values)
        else:
            writer.add_tensor(stored, blocks, raw_dtype=quants[group])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleave_halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k as llama.cpp orders them: each head's two halves interleaved."""
    return np.ascontiguousarray(rows.reshape(heads, 2, rows.shape[0] // heads // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape))


def add_gguf_tokenizer(writer: gguf.GGUFWriter, tokenizer, pre: str) -> None:
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    special = set(tokenizer.get_added_vocab())
    merges = json.loads(tokenizer.backend_tokenizer.to_str())['model']['merges']
    writer.add_tokenizer_model('gpt2')
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else ' '.join(merge) for merge in merges])
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
