"""Makes tests/fixtures/tokenizer: small vocabularies in the shapes of real models, with the ids and texts that Hugging
Face's tokenizers gives for strings that are hard to get right, and chat templates with what Transformers renders.

usage: python tools/make_tokenizer_fixtures.py [shape …]       (needs tokenizers, transformers, sentencepiece and
protobuf; where counts tie, a vocabulary comes out a little different each time)

<shape>.json  {tokenizer: tokenizer.json, ids: per string of strings.json, without special tokens; prefix and suffix: what
              is put around a text; pair: ids and type ids of two strings; offsets: per string, [start, end] by code point;
              decoded and decodedSkipping: null where equal to the string, respectively to decoded}
strings.json  the strings
nmt_nfkc.charsmap.gz  SentencePiece's own rules as T5 has them; in t5.json the charsmap is their name
sentencepiece.json  {tokens, scores: as in a GGUF file; ids, decoded}
sentencepieceKinds.json  {architecture: {tokens, scores, types: as in a GGUF file; ids, decoded}}, as Transformers rebuilds each
chat.json     {tokenizer, templates: {name: {template, config, cases: [{messages, generate, text, ids,
              mask: by token, 1 in a reply}]}}}
"""
import base64
import gzip
import io
import json
import random
import sys
from pathlib import Path

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import LlamaTokenizer, PreTrainedTokenizerFast
from transformers.integrations.gguf import convert_gguf_tokenizer
from transformers.tokenization_utils_base import generate_merges

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "tokenizer"
SPLIT = pre_tokenizers.Split
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

FIXED = [
    "", " ", "  ", "\n", "\t", "a", " a", "a ", "  a  b   c    ", "Hello, world!", "The scion heals onto the stock.",
    "It's they're we've I'm you'll he'd don't DON'T IT'S We'LL", "'s 't 'S ’s it’s", "naïve café Ångström ﬁnd",
    "e\u0301 cafe\u0301 n\u0303 A\u030a o\u0308\u0323", "İstanbul ISTANBUL ıI ΑΣ ΟΔΟΣ. ὈΔΥΣΣΕΎΣ ß ẞ", "Straße GROSS Ǆ ǅ ǆ",
    "1 12 123 1234 12345 3.14 1,000,000 0x1F 2nd", "½ ² ³ ¼ Ⅷ ⅷ ٣ ٣٤٥ ३४ 三 ㊿ ① x² 10²³", "٠١٢٣٤٥٦٧٨٩", "၀၁၂ 𝟘𝟙𝟚 １２３",
    "日本語のテキスト", "漢字とkanaカナ", "中文，没有空格。", "한국어 문장", "ㅎㅏㄴ \u1112\u1161\u11ab 각", "𠀀𠀁 𪜀 𫝀 𫠠 𬺰 丽 豈",
    "叱𠮟る 𠮷野家", "Привет, мир!", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "ประเทศไทย", "ქართული", "Ꮳꮃꭹ", "አማርኛ",
    "👍", "👍🏽", "👨‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "🏳️‍🌈", "a👍b", "☃️ ☃ ©️", "𝒜𝓁𝓅𝒽𝒶 𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "ﷺ ﷽ ㎏ ㌀ ℌ Å",
    "a\u00a0b", "a\u0085b", "\u0085", "a\u200bb", "a\u2028b\u2029c", "a\u3000b", "\ufeffstart", "mid\ufeffdle", "\ufeff", "a \ufeff b",
    "\u200d\u200c\u2060", "a\u00adb", "\u202eright\u202c", "a\u1680b\u2003c\u205fd", " \u00a0 \u3000 x", "\u00a0\u00a0x", "x \n y", "x\n\n\ny",
    "x\r\ny\rz", "\r\n\r\n", " \n \n ", "tab\there\t\tthere", "   leading", "trailing   ", "a  \n  b", "a\x0bb\x0cc", "a\x1cb\x1fc", "nul\x00l",
    "\x07\x1b[0m", "\ufffd", "a\ufffdb", "\ufdd0", "\U0010ffff", "\ue000 private", "\u0378 unassigned", "\u110bd \U000110bd\U000110cd \u08e2",
    "def f(x):\n    return x + 1\n", "for (let i=0;i<10;i++){\n\tsum+=a[i];\n}", "<html><body class=\"x\">&amp;</body></html>", "a_b-c.d/e\\f|g",
    "{\"key\": [1, 2.5, null]}", "!!! ??? ... --- ***", "«guillemets» „quotes“ ‘x’ …", "¡¿? §¶ † ‡ ※", "$100 €50 £3 ¥9 ₿1", "≤≥≠±×÷√∞∑∫", "+1 -2 *3 =4 <5> ^6 ~7 `8`",
    "http://example.org/a?b=c&d=%20e#f", "user@example.org", "C:\\dir\\file.txt", "camelCase snake_case SCREAMING_CASE", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "word" * 30, "." * 40, " " * 33, "\u2581already\u2581marked", "a \u2581 b", "##hash ##", "[CLS] in text [SEP]", "[MASK]", "[UNK] x [PAD]", "x [MASK] y", "x  [MASK]  y",
    "<s>text</s>", "<s> text </s>", "</s>", "<unk>", "<0x41><0xE2>", "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "<|im_start|>user\nhi<|im_end|>\n",
    "<|im_start|><|im_end|><|im_start|>", "<|im_end", "<|im_end|>|>", "<|begin_of_text|>x<|eot_id|>", "<|begin_of_text|><|begin_of_text|>", "<bos>a<eos>",
    "<start_of_turn>user\na<end_of_turn>\n", "@@one@@ x@@one@@", "@@one@@", "a @@left@@ b", "a   @@right@@   b", "a\u3000@@both@@\u3000b", "a\ufeff@@both@@\ufeff b",
    "@@norm@@ @@NORM@@", "x@@norm@@y", "\u00a0@@one@@\u00a0", "Grafted trees: apple on quince (dwarfing), pear on quince, plum on almond.",
    "Ünïcödé ÜNÏCÖDÉ", "x\u0300\u0301\u0302y", "\u0301starts with a mark", "ᾳ Ὠ ΐ", "ǰ ŉ ẖ", "ﬀ ﬃ ﬅ", "が か\u3099", "a\u0d81b c\u2e43d \u061d\u166d e\u1734f \u0f07\u09fd", "ｶﾞ ＡＢＣ", "क़ \u0915\u093c",
]


def random_strings(count):
    rng = random.Random(7)
    words = "graft bud scion the of on don't 2024 x² naïve 漢字 안녕 👍🏽 <|im_end|> </s> [MASK] é".split()
    blocks = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xdff), (0xe00, 0xfff), (0x1100, 0x11ff),
              (0x2000, 0x206f), (0x2070, 0x2bff), (0x3000, 0x30ff), (0x4e00, 0x4fff), (0xac00, 0xadff), (0xf900, 0xfaff), (0xfe00, 0xffef), (0x1f300, 0x1faff), (0x20000, 0x2ffff)]
    spaces = [" ", "  ", "\n", "\t", "\u00a0", "\u0085", "\u200b", "\u2028", "\u3000", "\ufeff", ""]
    made = []
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(2, 5)):
            low, high = rng.choice(blocks)
            parts.append(rng.choice(words) if rng.random() < 0.5 else "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 4))))
            parts.append(rng.choice(spaces))
        made.append("".join(parts))
    return made


STRINGS = FIXED + random_strings(40)
CORPUS = [s for s in STRINGS if "@@" not in s] * 2 + ["the scion and the stock heal into one tree in spring and autumn " * 4] * 20


def bpe(size, pre, decoder, normalizer=None, alphabet=None, specials=(), **model):
    t = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        t.normalizer = normalizer
    if pre is not None:
        t.pre_tokenizer = pre
    t.decoder = decoder
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), show_progress=False,
                                                      initial_alphabet=alphabet or [], limit_alphabet=260 if alphabet else 120))
    return t


def byte_bpe(size, pre, specials, normalizer=None, **model):
    return bpe(size, pre, decoders.ByteLevel(), normalizer, pre_tokenizers.ByteLevel.alphabet(), specials, **model)


def bos_template(t, bos):
    return processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, t.token_to_id(bos))])


def gpt2():
    t = byte_bpe(400, pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>"])
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.add_tokens([AddedToken("@@one@@", single_word=True), AddedToken("@@left@@", lstrip=True), AddedToken("@@right@@", rstrip=True),
                  AddedToken("@@both@@", lstrip=True, rstrip=True, special=True)])
    return t


def roberta():
    t = byte_bpe(380, pre_tokenizers.ByteLevel(add_prefix_space=True), ["<s>", "<pad>", "</s>", "<unk>"])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=False, add_prefix_space=True)
    return t


def smollm2():
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return byte_bpe(400, pre, specials)


def llama3():
    pre = pre_tokenizers.Sequence([SPLIT(Regex(LLAMA3), "isolated"), BYTES])
    t = byte_bpe(420, pre, ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"], ignore_merges=True)
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), bos_template(t, "<|begin_of_text|>")])
    return t


def qwen2():
    pre = pre_tokenizers.Sequence([SPLIT(Regex(QWEN2), "isolated"), BYTES])
    t = byte_bpe(420, pre, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizers.NFC())
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.add_tokens([AddedToken("@@norm@@", normalized=True)])
    return t


def bloom():
    pre = pre_tokenizers.Sequence([SPLIT(Regex(BLOOM), "isolated"), BYTES])
    t = byte_bpe(400, pre, ["<unk>", "<s>", "</s>", "<pad>"], unk_token="<unk>")
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    return t


def bert(lowercase):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True, special=True)]
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=600, special_tokens=specials, show_progress=False, limit_alphabet=330))
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.add_tokens([AddedToken("@@norm@@", normalized=True)])
    t.enable_truncation(16)
    t.enable_padding(length=24)
    return t


BYTE_TOKENS = [f"<0x{b:02X}>" for b in range(256)]


def with_byte_fallback(t, specials):
    """Puts the byte tokens behind the special ones, as SentencePiece does; trainers cannot."""
    j = json.loads(t.to_str())
    rest = [w for w in sorted(j["model"]["vocab"], key=j["model"]["vocab"].get) if w not in specials]
    j["model"]["vocab"] = {w: i for i, w in enumerate([*specials, *BYTE_TOKENS, *rest])}
    j["model"].update(byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    return Tokenizer.from_str(json.dumps(j))


FALLBACK = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]


def llama2():
    specials = ["<unk>", "<s>", "</s>"]
    t = bpe(250, None, decoders.Sequence([*FALLBACK, decoders.Strip(" ", 1, 0)]),
            normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), specials=specials)
    t = with_byte_fallback(t, specials)
    t.post_processor = bos_template(t, "<s>")
    return t


def metaspace(scheme):
    specials = ["<unk>", "<s>", "</s>"]
    pre = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=scheme == "always")
    t = bpe(250, pre, decoders.Metaspace(prepend_scheme=scheme) if scheme == "always" else decoders.Sequence([*FALLBACK, decoders.Strip(" ", 1, 0)]), specials=specials)
    t = with_byte_fallback(t, specials) if scheme == "first" else t
    t.post_processor = bos_template(t, "<s>")
    return t


def gemma():
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    t = bpe(250, SPLIT(" ", "merged_with_previous"), decoders.Sequence(FALLBACK), normalizers.Replace(" ", "▁"), specials=specials)
    t = with_byte_fallback(t, specials)
    t.post_processor = bos_template(t, "<bos>")
    return t


def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.train_from_iterator([s for s in CORPUS if "</s>" not in s], trainers.UnigramTrainer(vocab_size=600, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return t


def t5():
    """As transformers.T5Tokenizer builds it from a SentencePiece model."""
    t = unigram()
    t.normalizer = normalizers.Precompiled(nmt_nfkc())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    j = json.loads(t.to_str())
    # equal scores, so that a tie has to be broken; a piece that holds a space; extra ids last, as in T5's vocabulary
    j["model"]["vocab"] = [[piece, round(score, 1)] for piece, score in j["model"]["vocab"]]
    j["model"]["vocab"] += [[f"<extra_id_{i}>", 0.0] for i in range(2, -1, -1)]
    t = Tokenizer.from_str(json.dumps(j))
    t.add_special_tokens([AddedToken(w, special=True) for w in ("<pad>", "</s>", "<unk>", "<extra_id_0>", "<extra_id_1>", "<extra_id_2>")])
    return t


def nmt_nfkc():
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(["the scion and the stock"] * 50), model_writer=model, vocab_size=20, hard_vocab_limit=False,
                                   normalization_rule_name="nmt_nfkc", minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def splits():
    """Every behaviour of Split and the pre-tokenizers that are written as one; no real model has them all."""
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), SPLIT(Regex("[,.]|--"), "merged_with_previous"), SPLIT("a", "merged_with_next"),
                                   SPLIT(Regex("[-*]"), "contiguous"), SPLIT(Regex("([aeiou])\\1|\\d"), "isolated"),
                                   SPLIT(Regex("[^q]+"), "removed", invert=True), pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Whitespace()])
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.pre_tokenizer = pre
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
    t.train_from_iterator(CORPUS, trainers.WordLevelTrainer(vocab_size=400, special_tokens=["[UNK]"], show_progress=False))
    return t


def sentencepiece():
    """What a GGUF file holds of a SentencePiece model, and the ids of the tokenizer that Transformers makes of it."""
    vocab = json.loads(metaspace("first").to_str())["model"]["vocab"]
    tokens = sorted(vocab, key=vocab.get)
    scores = [0.0 if i < 259 else -float((i - 259) // 3) for i in range(len(tokens))]   # ties, as real files have
    merges = generate_merges(vocab, dict(zip(tokens, scores)))
    t = LlamaTokenizer(vocab=vocab, merges=merges).backend_tokenizer
    t.add_special_tokens([AddedToken(w, normalized=False, special=True) for w in ("<s>", "</s>")])
    ids = [t.encode(s, add_special_tokens=False).ids for s in STRINGS]
    return dict(tokens=tokens, scores=scores, ids=ids, decoded=[None if (d := t.decode(x, skip_special_tokens=False)) == s else d for x, s in zip(ids, STRINGS)])


def sentencepiece_kinds():
    """The same for architectures whose spaces Transformers treats otherwise. Gemma's files hold tokens of spaces as such."""
    plain = json.loads((OUT / "sentencepiece.json").read_text())
    control = [3 if token in ("<s>", "</s>") else 1 for token in plain["tokens"]]
    gemma = [{"<s>": "<bos>", "</s>": "<eos>"}.get(token, token) for token in plain["tokens"]]
    more = {"  ": 4, "   ": 4, "\n\n": 4, "<start_of_turn>": 3, "<pad>": 3, "<mask>": 4, "▁the▁": 1}
    made = {
        "phi3": dict(tokens=plain["tokens"], scores=plain["scores"], types=control),
        "gemma3": dict(tokens=gemma + [*more], scores=plain["scores"] + [-1000.0] * len(more), types=control + [*more.values()]),
    }
    for architecture, file in made.items():
        fields = dict(tokenizer_type="llama", tokens=file["tokens"], scores=file["scores"], token_type=file["types"])
        t, _ = convert_gguf_tokenizer(architecture, fields)
        file["ids"] = [t.encode(s, add_special_tokens=False).ids for s in STRINGS]
        texts = [t.decode(ids, skip_special_tokens=False) for ids in file["ids"]]
        file["decoded"] = [None if text == s else text for text, s in zip(texts, STRINGS)]
    return made


SHAPES = dict(gpt2=gpt2, roberta=roberta, smollm2=smollm2, llama3=llama3, qwen2=qwen2, bloom=bloom, bertUncased=lambda: bert(True), bertCased=lambda: bert(False), llama2=llama2,
              metaspaceFirst=lambda: metaspace("first"), metaspaceAlways=lambda: metaspace("always"), gemma=gemma, unigram=unigram, t5=t5, splits=splits)


def record(make):
    t = make()
    fixture = {"tokenizer": json.loads(t.to_str())}
    normalizer = fixture["tokenizer"]["normalizer"]
    if normalizer and normalizer["type"] == "Precompiled":
        charsmap = base64.b64decode(normalizer["precompiled_charsmap"])
        (OUT / "nmt_nfkc.charsmap.gz").write_bytes(gzip.compress(charsmap, mtime=0))
        normalizer["precompiled_charsmap"] = "nmt_nfkc"
    t.no_truncation()
    t.no_padding()
    plain = [t.encode(s, add_special_tokens=False) for s in STRINGS]
    around = t.encode("", add_special_tokens=True).ids
    probe = t.encode("the stock", add_special_tokens=True).ids
    body = t.encode("the stock", add_special_tokens=False).ids
    at = next(i for i in range(len(probe)) if probe[i:i + len(body)] == body)
    prefix, suffix = probe[:at], probe[at + len(body):]
    for s, e in zip(STRINGS, plain):
        assert t.encode(s).ids == prefix + e.ids + suffix, s
    assert around == prefix + suffix
    pair = t.encode("the stock", "of quince")
    full = [prefix + e.ids + suffix for e in plain]
    decoded = [t.decode(ids, skip_special_tokens=False) for ids in full]
    skipping = [t.decode(ids, skip_special_tokens=True) for ids in full]
    fixture.update(prefix=prefix, suffix=suffix, pair=dict(ids=pair.ids, typeIds=pair.type_ids), ids=[e.ids for e in plain],
                   offsets=[[list(o) for o in e.offsets] for e in plain[:60]],
                   decoded=[None if d == s else d for d, s in zip(decoded, STRINGS)], decodedSkipping=[None if k == d else k for k, d in zip(skipping, decoded)])
    return fixture


CHATML = ("{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}{% endif %}"
          "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
HEADERS = """{%- if tools is not none %}
    {{- raise_exception('no tools here') }}
{%- endif %}
{{- bos_token }}
{%- for message in messages %}
    {%- set head = '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' %}
    {{- head ~ (message.content | trim) ~ '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""
INST = """{{ bos_token }}{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('turns must alternate') }}
{% endif %}
{% if message['role'] == 'user' %}
{{ '[INST] ' + message['content'].strip() + ' [/INST]' }}{% else %}
{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}
{% endfor %}
"""
# drops the reasoning of all turns but the last, and opens an empty one where the last has none
REASONING = """{%- set ns = namespace(last=0) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- set thought = '' %}
    {%- if message.role == 'assistant' and '</think>' in content %}
        {%- set thought = content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' and loop.index0 > ns.last %}
        {{- '<think>\\n' + thought + '\\n</think>\\n\\n' }}
    {%- endif %}
    {{- content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
# asks for reasoning in the generation prompt, and keeps none: no rendering of a part is a prefix of the whole
OPENED = """{{ bos_token }}{% for message in messages %}
{%- if message.role == 'user' %}{{ '<user>' + message.content }}
{%- elif message.role == 'assistant' %}{{ '<assistant>' + message.content.split('</think>')[-1] + '<|im_end|>' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<assistant><think>\\n' }}{% endif %}"""

# the same texts as chatml and headers, with the mark by which Transformers itself finds the replies
MARKED = dict(
    chatml=CHATML.replace("+ message['content'] + '<|im_end|>' + '\n' }}", "}}{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}"
                          "{% endgeneration %}{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}"),
    headers=HEADERS.replace("""    {{- head ~ (message.content | trim) ~ '<|eot_id|>' }}
""", """    {{- head }}
    {%- if message.role == 'assistant' %}{% generation %}{{ (message.content | trim) ~ '<|eot_id|>' }}{% endgeneration %}
    {%- else %}{{ (message.content | trim) ~ '<|eot_id|>' }}{% endif %}
"""))

USER, BOT = "user", "assistant"


def turns(*contents, system=None):
    start = [dict(role="system", content=system)] if system else []
    return start + [dict(role=(USER, BOT)[i % 2], content=c) for i, c in enumerate(contents)]


CHATS = [turns("Hi", "Hello!"), turns("When to graft?", "In spring.", "And bud?", "In August.\nNot later."), turns("Hi", " padded reply \n", "x", "x"),
         turns("x", "x", "x", "x", "x"), turns("\ufeffbom", "漢字 👍🏽 done\ufeff"), turns("quote <|im_end|> me", "You wrote <|im_end|>, I say </s>."),
         turns("a", "<think>\nwell\n</think>\n\nFirst.", "b", "<think>\nhm\n</think>\n\nSecond."), turns("a", "<think>\nwell\n</think>\n\nSame", "b", "Same")]
TEMPLATES = dict(chatml=(CHATML, {}), headers=(HEADERS, dict(bos_token="<|endoftext|>")), inst=(INST, dict(bos_token="<s>", eos_token="</s>")),
                 reasoning=(REASONING, {}), opened=(OPENED, dict(bos_token="<|endoftext|>")))


def chats():
    t = smollm2()
    tok = PreTrainedTokenizerFast(tokenizer_object=t)
    templates = {}
    for name, (template, config) in TEMPLATES.items():
        tok.bos_token, tok.eos_token = config.get("bos_token"), config.get("eos_token")
        cases = []
        for messages in CHATS + ([] if name == "inst" else [turns("q", "a", system="Be kind.")]):
            for generate in (False, True):
                text = tok.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=generate)
                ids = None if config else tok.apply_chat_template(messages, chat_template=template, add_generation_prompt=generate)["input_ids"]
                mask = None
                if name in MARKED and not generate:
                    marked = tok.apply_chat_template(messages, chat_template=MARKED[name], return_dict=True, return_assistant_tokens_mask=True)
                    assert tok.decode(marked["input_ids"], skip_special_tokens=False) == text, (name, messages)
                    mask = marked["assistant_masks"]
                cases.append(dict(messages=messages, generate=generate, text=text, ids=ids, mask=mask))
        templates[name] = dict(template=template, config=config, cases=cases)
    return dict(tokenizer=json.loads(t.to_str()), templates=templates)


def write(name, value):
    (OUT / f"{name}.json").write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="utf-8")


def main(wanted):
    OUT.mkdir(parents=True, exist_ok=True)
    for name in wanted or SHAPES:
        write(name, record(SHAPES[name]))
    if wanted:
        return
    write("strings", STRINGS)
    write("sentencepiece", sentencepiece())
    write("sentencepieceKinds", sentencepiece_kinds())
    write("chat", chats())


if __name__ == "__main__":
    main(sys.argv[1:])
