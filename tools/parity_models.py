"""The tiny models of the parity cases: awkward sizes, every way a checkpoint is spelled, one tokenizer."""

import json
import random
from pathlib import Path

import torch
from gguf import GGMLQuantizationType as Quant
from parity_gguf import write_gguf
from parity_quantised import quantise_folder, quantise_in_memory
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoModelForTokenClassification, BertConfig, BloomConfig, DistilBertConfig,
    Gemma2Config, Gemma3TextConfig, GemmaConfig, GPT2Config, LlamaConfig, MistralConfig, MT5Config, Phi3Config, PreTrainedTokenizerFast, Qwen2Config, Qwen3Config, RobertaConfig,
    T5Config, ViTConfig, ViTForImageClassification, ViTImageProcessorPil,
)

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
# labels of the classifiers
CLASSES = 3
BLOOM_SPLIT = r' ?[^(\s|[.,!?…。，、।۔،])]+'


def sentences(count: int, seed: int, low=3, high=17) -> list[str]:
    rng = random.Random(seed)
    made = [' '.join(rng.choice(WORDS) for _ in range(rng.randint(low, high))) for _ in range(count)]
    return [text.capitalize() + rng.choice('.!?') for text in made]


def make_tokenizer(adds_bos: bool, split: str | None = None) -> PreTrainedTokenizerFast:
    """Byte-level BPE; with `adds_bos` every text begins with <|bos|>, as Llama 3's do; `split` in place of GPT-2's pattern."""
    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split is None)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), 'isolated'), byte_level]) if split else byte_level
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


TOKENS = dict(vocab_size=VOCAB_SIZE, eos_token_id=0, pad_token_id=1, bos_token_id=2)
COMMON = dict(**TOKENS, num_hidden_layers=2)
GPT2 = dict(**TOKENS, n_layer=2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
T5 = dict(vocab_size=VOCAB_SIZE, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, dropout_rate=0.0)
ENCODER = dict(
    vocab_size=VOCAB_SIZE, num_hidden_layers=2, max_position_embeddings=50, pad_token_id=1, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0, num_labels=CLASSES, type_vocab_size=2,
)
BLOOM = dict(**TOKENS, n_layer=2, hidden_dropout=0.0, attention_dropout=0.0)
LLAMA3_ROPE = dict(
    rope_type='llama3', rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
)


def rope(theta=10000.0, **scaling) -> dict:
    return {'rope_theta': theta, 'rope_type': 'default', **scaling}


QUANTISED = LlamaConfig(hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                        rope_parameters=rope(), tie_word_embeddings=True, **COMMON)

# Each: the config, and how the checkpoint is written. `old` is Transformers 4's spelling; `shard` the size of a shard; `bare` the names
# of the body alone, with the buffers that old checkpoints carry; `split` the tokenizer's pattern; `quantised` how the file keeps the
# linears, `load` what becomes of them on loading.
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
    'gpt2': dict(config=GPT2Config(n_embd=45, n_head=5, n_positions=64, **GPT2)),
    'gpt2-bare': dict(
        config=GPT2Config(n_embd=42, n_head=3, n_inner=50, n_positions=48, activation_function='gelu', scale_attn_by_inverse_layer_idx=True, **GPT2),
        dtype=torch.float16, bare=True),
    'gpt2-gguf': dict(
        config=GPT2Config(n_embd=64, n_head=4, n_inner=256, n_positions=64, **GPT2),
        gguf=dict(embedding=Quant.Q8_0, attention=Quant.Q4_1, mlp=Quant.Q8_0), pre='gpt-2'),
    'bloom': dict(config=BloomConfig(hidden_size=42, n_head=6, **BLOOM), split=BLOOM_SPLIT),
    'bloom-bare': dict(
        config=BloomConfig(hidden_size=33, n_head=3, apply_residual_connection_post_layernorm=True, **BLOOM),
        dtype=torch.float16, bare=True, split=BLOOM_SPLIT),
    'bloom-gguf': dict(
        config=BloomConfig(hidden_size=96, n_head=6, **BLOOM),
        gguf=dict(embedding=Quant.Q8_0, attention=Quant.Q4_0, mlp=Quant.Q4_1), pre='bloom', split=BLOOM_SPLIT),
    'bert': dict(config=BertConfig(hidden_size=36, num_attention_heads=3, intermediate_size=50, **ENCODER), encoder=True),
    'roberta': dict(
        config=RobertaConfig(hidden_size=42, num_attention_heads=7, intermediate_size=44, **{**ENCODER, 'type_vocab_size': 1}),
        encoder=True, bare=True),
    'distilbert': dict(
        config=DistilBertConfig(dim=30, n_heads=5, hidden_dim=46, n_layers=2, vocab_size=VOCAB_SIZE, max_position_embeddings=48, pad_token_id=1,
                                dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0, num_labels=CLASSES),
        encoder=True, dtype=torch.float16),
    't5': dict(
        config=T5Config(d_model=36, d_kv=10, d_ff=44, num_layers=2, num_decoder_layers=1, num_heads=3, feed_forward_proj='relu', **T5),
        seq2seq=True),
    'flan-t5': dict(
        config=T5Config(d_model=40, d_kv=9, d_ff=50, num_layers=1, num_decoder_layers=2, num_heads=5, feed_forward_proj='gated-gelu',
                        relative_attention_num_buckets=10, relative_attention_max_distance=14, tie_word_embeddings=False, **T5),
        seq2seq=True),
    'vit': dict(
        config=ViTConfig(hidden_size=30, num_attention_heads=5, intermediate_size=44, num_hidden_layers=2, image_size=23, patch_size=5, num_labels=CLASSES),
        encoder=True),
    'llama-nf4': dict(
        config=LlamaConfig(hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                           rope_parameters=rope(), tie_word_embeddings=False, **COMMON),
        dtype=torch.bfloat16, load='nf4_nested'),
    'qwen2-int8': dict(
        config=Qwen2Config(hidden_size=42, intermediate_size=50, num_attention_heads=7, num_key_value_heads=1,
                           max_position_embeddings=128, rope_parameters=rope(), tie_word_embeddings=True, **COMMON),
        load='int8'),
    'llama-fp4': dict(config=QUANTISED, quantised='fp4_nested'),
    'llama-gptq': dict(config=QUANTISED, quantised='gptq-act-order'),
    'llama-awq': dict(config=QUANTISED, quantised='awq'),
    'llama-k-gguf': dict(
        config=LlamaConfig(hidden_size=256, intermediate_size=256, num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_hidden_layers=1, **TOKENS,
                           max_position_embeddings=128, rope_parameters=rope(), tie_word_embeddings=True),
        gguf=dict(embedding=Quant.Q6_K, attention=Quant.Q4_K, attn_k=Quant.Q5_K, attn_output=Quant.Q5_1, mlp=Quant.Q4_K, ffn_up=Quant.Q3_K,
                  ffn_gate=Quant.Q2_K, head=None),
        pre='smollm'),
    'gemma': dict(
        config=GemmaConfig(hidden_size=40, intermediate_size=52, num_attention_heads=4, num_key_value_heads=1, head_dim=14,
                           max_position_embeddings=128, rope_parameters=rope(), tie_word_embeddings=True, **COMMON),
        dtype=torch.bfloat16),
    'gemma3': dict(
        config=Gemma3TextConfig(hidden_size=36, intermediate_size=44, num_attention_heads=3, num_key_value_heads=1, head_dim=10,
                                max_position_embeddings=128, sliding_window=9, query_pre_attn_scalar=12,
                                layer_types=['sliding_attention', 'full_attention'], tie_word_embeddings=True,
                                rope_parameters={'full_attention': rope(1000000.0, rope_type='linear', factor=8.0), 'sliding_attention': rope()},
                                **COMMON)),
    'phi3': dict(
        config=Phi3Config(hidden_size=40, intermediate_size=44, num_attention_heads=5, num_key_value_heads=1, max_position_embeddings=128,
                          original_max_position_embeddings=128, sliding_window=11, rope_parameters=rope(), tie_word_embeddings=False,
                          **COMMON)),
    'mt5': dict(
        config=MT5Config(d_model=24, d_kv=8, d_ff=30, num_layers=3, num_heads=3, tie_word_embeddings=False, **T5),
        seq2seq=True, pretrained=True),
    'gemma-gguf': dict(
        config=GemmaConfig(hidden_size=64, intermediate_size=96, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
                           max_position_embeddings=128, rope_parameters=rope(), tie_word_embeddings=True, **COMMON),
        gguf=dict(embedding=Quant.Q8_0, attention=Quant.Q4_0, mlp=Quant.Q5_1), pre='default'),
    'gemma3-gguf': dict(
        config=Gemma3TextConfig(hidden_size=64, intermediate_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=24,
                                max_position_embeddings=128, sliding_window=9, num_hidden_layers=7, tie_word_embeddings=True, **TOKENS,
                                rope_parameters={'full_attention': rope(1000000.0, rope_type='linear', factor=8.0), 'sliding_attention': rope()}),
        gguf=dict(embedding=Quant.Q4_1, attention=Quant.Q8_0, attn_output=Quant.Q4_0, mlp=Quant.Q4_0), pre='default'),
    'phi3-gguf': dict(
        config=Phi3Config(hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                          original_max_position_embeddings=128, sliding_window=10, rope_parameters=rope(), tie_word_embeddings=False,
                          **COMMON),
        gguf=dict(embedding=Quant.Q8_0, attention=Quant.Q4_0, mlp=Quant.Q4_1, head=Quant.Q5_0), pre='default'),
    'gemma2': dict(
        config=Gemma2Config(hidden_size=36, intermediate_size=44, num_attention_heads=3, num_key_value_heads=1, head_dim=10,
                            max_position_embeddings=128, sliding_window=9, query_pre_attn_scalar=12, attn_logit_softcapping=2.0,
                            final_logit_softcapping=6.0, rope_parameters=rope(), tie_word_embeddings=True, **COMMON)),
    'gemma2-gguf': dict(
        config=Gemma2Config(hidden_size=64, intermediate_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=24, num_hidden_layers=3,
                            max_position_embeddings=128, sliding_window=9, attn_logit_softcapping=1.0, final_logit_softcapping=8.0,
                            rope_parameters=rope(), tie_word_embeddings=True, **TOKENS),
        gguf=dict(embedding=Quant.Q8_0, attention=Quant.Q8_0, mlp=Quant.Q4_0), pre='default'),
}


def make_model(name: str, folder: Path):
    """Writes the checkpoint and gives (path, model with the weights that the checkpoint stands for in f32, tokenizer)."""
    spec = MODELS[name]
    if 'seq2seq' in spec:
        return make_t5(name, folder / name)
    if 'encoder' in spec:
        return make_encoder(name, folder)
    seed = 100 + list(MODELS).index(name)
    torch.manual_seed(seed)
    tokenizer = make_tokenizer(spec.get('adds_bos', False), spec.get('split'))
    model = AutoModelForCausalLM.from_config(spec['config']).float()
    make_lively(model)
    pretrain(model, tokenizer, seed)
    if 'gguf' in spec:
        path = folder / f'{name}.gguf'
        write_gguf(path, model, tokenizer, spec['gguf'], spec['pre'], TEMPLATE)
        return path, model.eval(), tokenizer
    path = folder / name
    model.to(spec.get('dtype', torch.float32)).save_pretrained(path, max_shard_size=spec.get('shard', '10MB'))
    (path / 'generation_config.json').unlink()
    if spec.get('bare'):
        save_file(bare_tensors(model), path / 'model.safetensors', metadata={'format': 'pt'})
    write_tokenizer(path, tokenizer)
    if spec.get('old'):
        spell_as_transformers_4(path / 'config.json')
    base = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    if 'quantised' in spec:
        quantise_folder(path, base, spec['quantised'])
    if 'load' in spec:
        quantise_in_memory(base, spec['load'])
    return path, base, tokenizer


def make_encoder(name: str, folder: Path):
    """The same of an encoder with a classifier; `bare` saves its body alone."""
    spec = MODELS[name]
    torch.manual_seed(500 + list(MODELS).index(name))
    if spec['config'].model_type == 'vit':
        return make_vit(spec, folder / name)
    tokenizer = make_word_tokenizer(spec['config'].model_type)
    model = AutoModelForSequenceClassification.from_config(spec['config']).float()
    make_lively(model)
    path = folder / name
    saved = getattr(model, model.base_model_prefix) if spec.get('bare') else model
    saved.to(spec.get('dtype', torch.float32)).save_pretrained(path)
    (path / 'tokenizer.json').write_text(tokenizer.backend_tokenizer.to_str())
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    (path / 'tokenizer_config.json').write_text(json.dumps({'tokenizer_class': 'PreTrainedTokenizerFast', **special}, indent=1))
    return path, None, tokenizer


def make_vit(spec: dict, path: Path):
    model = ViTForImageClassification(spec['config']).float()
    make_lively(model)
    model.save_pretrained(path)
    processor = ViTImageProcessorPil(size={'height': 23, 'width': 23}, resample=3, image_mean=[0.4, 0.5, 0.6], image_std=[0.3, 0.25, 0.2])
    processor.save_pretrained(path)
    return path, model.eval(), processor


def make_t5(name: str, path: Path):
    """An encoder and a decoder with a head of its own where the config unties it, which Transformers 5 no longer makes by itself."""
    spec = MODELS[name]
    seed = 900 + list(MODELS).index(name)
    torch.manual_seed(seed)
    tokenizer = make_unigram_tokenizer()
    model = AutoModelForSeq2SeqLM.from_config(spec['config']).float()
    make_lively(model)
    if spec.get('pretrained'):
        pretrain_to_copy(model, tokenizer, seed)
    model.save_pretrained(path)
    (path / 'generation_config.json').unlink(missing_ok=True)
    (path / 'tokenizer.json').write_text(tokenizer.backend_tokenizer.to_str())
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    (path / 'tokenizer_config.json').write_text(json.dumps({'tokenizer_class': 'PreTrainedTokenizerFast', **special}, indent=1))
    return path, model.eval(), tokenizer


def make_unigram_tokenizer() -> PreTrainedTokenizerFast:
    """Unigram behind Metaspace, with </s> after a text: T5's without its charsmap. A vocabulary of our own, for its order to be sure."""
    letters = sorted(set(''.join(WORDS)) | set('.!?') | {word[0].upper() for word in WORDS})
    pieces = letters + ['▁'] + [f'▁{word}' for word in WORDS[::2]] + ['er', 'ing', 'st', 'or']
    vocabulary = [('<pad>', 0.0), ('</s>', 0.0), ('<unk>', 0.0)] + [(piece, -1.0 - 0.01 * i) for i, piece in enumerate(dict.fromkeys(pieces))]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single='$A </s>', pair='$A </s> $B </s>', special_tokens=[('</s>', 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token='</s>', pad_token='<pad>', unk_token='<unk>')


def make_word_tokenizer(model_type: str) -> PreTrainedTokenizerFast:
    """BERT's WordPiece, or RoBERTa's byte-level BPE, with their special tokens around a text and between two."""
    first, last, unknown = ('<s>', '</s>', '<unk>') if model_type == 'roberta' else ('[CLS]', '[SEP]', '[UNK]')
    special = [first, PAD, last, unknown]
    if model_type == 'roberta':
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=VOCAB_SIZE, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(sentences(500, seed=1), trainer)
    else:
        tokenizer = Tokenizer(models.WordPiece(word_pieces(special), unk_token=unknown))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
    between = f'{last} {last}' if model_type == 'roberta' else last
    second = 0 if model_type == 'roberta' else 1
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f'{first} $A {last}', pair=f'{first} $A {between} $B:{second} {last}:{second}',
        special_tokens=[(first, tokenizer.token_to_id(first)), (last, tokenizer.token_to_id(last))])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, cls_token=first, sep_token=last, pad_token=PAD, unk_token=unknown)


def word_pieces(special: list[str]) -> dict[str, int]:
    """A vocabulary that does not hang on a trainer's hash order: letters, their continuations, and every third word."""
    letters = sorted(set(''.join(WORDS)) | set('.!?'))
    pieces = special + letters + [f'##{letter}' for letter in letters] + WORDS[::3] + ['##er', '##ing']
    return {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}


def classifier(path: Path, data: str):
    """The checkpoint with a head for such data; a new one where it has none of that size."""
    torch.manual_seed(700)
    if data == 'images':
        return ViTForImageClassification.from_pretrained(path, dtype=torch.float32).eval()
    auto = AutoModelForTokenClassification if data == 'words' else AutoModelForSequenceClassification
    labels = {'value': 1}.get(data, CLASSES)
    model = auto.from_pretrained(path, num_labels=labels, dtype=torch.float32, ignore_mismatched_sizes=True).eval()
    if data == 'words':
        model.dropout.p = 0.0  # a tenth in a causal model whose config says nothing
    return model


def bare_tensors(model) -> dict[str, torch.Tensor]:
    """The body's tensors as GPT-2's and BLOOM's first checkpoints name them, with GPT-2's causal masks among them."""
    tensors = {name: tensor.clone() for name, tensor in model.transformer.state_dict().items()}
    if model.config.model_type == 'gpt2':
        size = model.config.n_positions
        for layer in range(model.config.n_layer):
            tensors[f'h.{layer}.attn.bias'] = torch.tril(torch.ones(1, 1, size, size))
            tensors[f'h.{layer}.attn.masked_bias'] = torch.tensor(-1e4)
    return tensors


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


def pretrain_to_copy(model, tokenizer, seed: int, steps=400, batch=16) -> None:
    """The same of an encoder and a decoder: the target is the source."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    texts = sentences(steps * batch, seed, high=5)
    for step in range(steps):
        inputs = tokenizer(texts[step * batch:(step + 1) * batch], padding=True, return_tensors='pt', return_token_type_ids=False)
        labels = inputs['input_ids'].masked_fill(inputs['attention_mask'] == 0, -100)
        loss = model(**inputs, labels=labels).loss
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
