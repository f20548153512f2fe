"""Tiny models as GGUF files, as llama.cpp's converter writes them."""

import json
import re
from pathlib import Path

import gguf
import numpy as np
import torch
from parity_quantised import SUPERBLOCKS, superblocks
from transformers.pytorch_utils import Conv1D

LLAMA_NAMES = {
    'self_attn.q_proj': ('attn_q', 'attention'), 'self_attn.k_proj': ('attn_k', 'attention'), 'self_attn.v_proj': ('attn_v', 'attention'),
    'self_attn.o_proj': ('attn_output', 'attention'), 'mlp.gate_proj': ('ffn_gate', 'mlp'), 'mlp.up_proj': ('ffn_up', 'mlp'),
    'mlp.down_proj': ('ffn_down', 'mlp'), 'input_layernorm': ('attn_norm', None), 'post_attention_layernorm': ('ffn_norm', None),
}


GPT2_NAMES = {
    'ln_1': ('attn_norm', None), 'attn.c_attn': ('attn_qkv', 'attention'), 'attn.c_proj': ('attn_output', 'attention'),
    'ln_2': ('ffn_norm', None), 'mlp.c_fc': ('ffn_up', 'mlp'), 'mlp.c_proj': ('ffn_down', 'mlp'),
}
BLOOM_NAMES = {
    'input_layernorm': ('attn_norm', None), 'self_attention.query_key_value': ('attn_qkv', 'attention'),
    'self_attention.dense': ('attn_output', 'attention'), 'post_attention_layernorm': ('ffn_norm', None),
    'mlp.dense_h_to_4h': ('ffn_up', 'mlp'), 'mlp.dense_4h_to_h': ('ffn_down', 'mlp'),
}
GEMMA_NAMES = {
    'self_attn.q_norm': ('attn_q_norm', None), 'self_attn.k_norm': ('attn_k_norm', None),
    'post_attention_layernorm': ('post_attention_norm', None), 'pre_feedforward_layernorm': ('ffn_norm', None),
    'post_feedforward_layernorm': ('post_ffw_norm', None),
}
PHI3_NAMES = {'self_attn.qkv_proj': ('attn_qkv', 'attention'), 'mlp.gate_up_proj': ('ffn_up', 'mlp')}
# of a model_type: its names beside those of Llama's, GPT-2's and BLOOM's modules
NAMES = {'gemma2': GEMMA_NAMES, 'gemma3_text': GEMMA_NAMES, 'phi3': PHI3_NAMES}
ARCHITECTURES = {'gemma3_text': 'gemma3'}
OUTSIDE = {
    'model.embed_tokens': ('token_embd', 'embedding'), 'model.norm': ('output_norm', None), 'lm_head': ('output', 'head'),
    'transformer.wte': ('token_embd', 'embedding'), 'transformer.wpe': ('position_embd', None), 'transformer.ln_f': ('output_norm', None),
    'transformer.word_embeddings': ('token_embd', 'embedding'), 'transformer.word_embeddings_layernorm': ('token_embd_norm', None),
}


def gguf_name(name: str, model_type: str) -> tuple[str, str | None]:
    """(tensor's name in the file, which of the quantisations it takes)."""
    module, kind = name.rsplit('.', 1)
    if module in OUTSIDE:
        stored, group = OUTSIDE[module]
    else:
        _, layer, inner = re.match(r'(model\.layers|transformer\.h)\.(\d+)\.(.*)', module).groups()
        stored, group = {**LLAMA_NAMES, **GPT2_NAMES, **BLOOM_NAMES, **NAMES.get(model_type, {})}[inner]
        stored = f'blk.{layer}.{stored}'
    return f'{stored}.{kind}', group if kind == 'weight' else None


def write_gguf(path: Path, model, tokenizer, quants: dict, pre: str, chat_template: str) -> None:
    """Writes the file as llama.cpp's converter does, and leaves in the model the values that the file decodes to."""
    config = model.config
    writer = gguf.GGUFWriter(path, ARCHITECTURES.get(config.model_type, config.model_type))
    (add_gpt2_or_bloom if config.model_type in ('gpt2', 'bloom') else add_llama)(writer, model)
    add_gguf_tokenizer(writer, tokenizer, pre, chat_template)
    conv1d = {id(module.weight) for module in model.modules() if isinstance(module, Conv1D)}
    for name, parameter in model.named_parameters():
        stored, group = gguf_name(name, config.model_type)
        is_transposed = id(parameter) in conv1d
        values = parameter.detach().numpy().astype(np.float32)
        blocks = values = np.ascontiguousarray(values.T) if is_transposed else values
        # a module's own quantisation before that of its group
        kind = group and quants.get(stored.split('.')[-2], quants[group])
        if kind is not None:
            blocks = superblocks(values.shape, kind) if kind in SUPERBLOCKS else gguf.quants.quantize(values, kind)
            values = gguf.quants.dequantize(blocks, kind)
            parameter.data = torch.from_numpy(values.T.copy() if is_transposed else values)
        blocks = reorder(stored, blocks, config)
        if kind is None:
            writer.add_tensor(stored, blocks)
        else:
            writer.add_tensor(stored, blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_llama(writer: gguf.GGUFWriter, model) -> None:
    config = model.config
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if config.model_type.startswith('gemma'):
        add_gemma(writer, config)
        return
    writer.add_rope_freq_base(config.rope_parameters['rope_theta'])
    if config.model_type == 'phi3':
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
        writer.add_sliding_window(config.sliding_window or 0)
    if config.model_type == 'llama':
        writer.add_rope_dimension_count(config.head_dim)
        if config.head_dim * config.num_attention_heads != config.hidden_size:
            writer.add_key_length(config.head_dim)
            writer.add_value_length(config.head_dim)
        writer.add_vocab_size(config.vocab_size)
    if config.rope_parameters['rope_type'] == 'llama3':
        head_dim = config.hidden_size // config.num_attention_heads
        plain = config.rope_parameters['rope_theta'] ** (-torch.arange(0, head_dim, 2).float() / head_dim)
        writer.add_tensor('rope_freqs.weight', (plain / model.model.rotary_emb.inv_freq).numpy().astype(np.float32))


def add_gemma(writer: gguf.GGUFWriter, config) -> None:
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    if config.model_type == 'gemma':
        return
    writer.add_sliding_window(config.sliding_window)
    if config.model_type == 'gemma2':
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
        return
    whole = config.rope_parameters['full_attention']
    writer.add_rope_freq_base(whole['rope_theta'])
    if whole['rope_type'] == 'linear':
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(whole['factor'])


def add_gpt2_or_bloom(writer: gguf.GGUFWriter, model) -> None:
    config = model.config
    is_bloom = config.model_type == 'bloom'
    width = config.hidden_size
    writer.add_block_count(config.n_layer)
    writer.add_context_length(128 if is_bloom else config.n_positions)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(4 * width if is_bloom else config.n_inner)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)


def reorder(stored: str, rows: np.ndarray, config) -> np.ndarray:
    """As llama.cpp keeps them: each head's two halves interleaved in Llama's q and k; BLOOM's q, k and v apart; Gemma's norms with their 1."""
    if config.model_type.startswith('gemma') and stored.endswith('norm.weight'):
        return rows + 1
    if config.model_type == 'llama' and ('attn_q' in stored or 'attn_k' in stored):
        return interleave_halves(rows, config.num_attention_heads if 'attn_q' in stored else config.num_key_value_heads)
    if config.model_type == 'bloom' and 'attn_qkv' in stored:
        apart = rows.reshape(config.n_head, 3, rows.shape[0] // config.n_head // 3, *rows.shape[1:]).swapaxes(0, 1)
        return np.ascontiguousarray(apart.reshape(rows.shape))
    return rows


def interleave_halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k as llama.cpp orders them: each head's two halves interleaved."""
    return np.ascontiguousarray(rows.reshape(heads, 2, rows.shape[0] // heads // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape))


def add_gguf_tokenizer(writer: gguf.GGUFWriter, tokenizer, pre: str, chat_template: str) -> None:
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
    writer.add_chat_template(chat_template)
