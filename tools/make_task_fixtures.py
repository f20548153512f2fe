"""Makes tests/fixtures/data/tasks.json: what Transformers makes of words that are parted already and of pairs of texts that
are too long, with the tokenizers of tests/fixtures/tokenizer.

usage: python tools/make_task_fixtures.py       (needs tokenizers and transformers; run make_tokenizer_fixtures.py before)

{words: {shape: [{tokens, maxLength, ids, wordIds: by token, -1 for special tokens}]},
 pairs: {shape: [{text, textPair, maxLength, ids, typeIds}]}}
"""
import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures"

WORDS = [
    ["The", "scion", "heals", "onto", "the", "stock", "."],
    ["EU", "rejects", "German", "call", "don't", "U.S.-based", "naïve", "漢字", "👍🏽", "1,000"],
    ["a", "", " spaced ", "\u200b", "e\u0301", "[MASK]", "x[SEP]y", "<s>", "</s>", "word" * 6],
]
SHAPES = ("bertUncased", "bertCased", "roberta", "gpt2", "smollm2", "llama2", "llama3", "qwen2", "bloom", "gemma", "unigram",
          "metaspaceFirst", "metaspaceAlways")
TEXTS = ["the scion and the stock heal into one tree", "of quince", "spring", "the stock"]


def load(shape):
    text = json.dumps(json.loads((FIXTURES / "tokenizer" / f"{shape}.json").read_text(encoding="utf-8"))["tokenizer"])
    t = Tokenizer.from_str(text)
    t.no_truncation()
    t.no_padding()
    return t


def fast(t):
    return PreTrainedTokenizerFast(tokenizer_object=t, model_input_names=["input_ids", "token_type_ids"], pad_token="[PAD]")


def words(shape):
    t = load(shape)
    cases = []
    for tokens in WORDS:
        for length in (64, 9):
            e = fast(t)(tokens, is_split_into_words=True, truncation=True, max_length=length)
            cases.append(dict(tokens=tokens, maxLength=length, ids=e["input_ids"], wordIds=[-1 if w is None else w for w in e.word_ids()]))
    return cases


def pairs(shape):
    t = load(shape)
    cases = []
    for text in TEXTS:
        for pair in TEXTS:
            for length in (7, 8, 11, 64):
                e = fast(t)(text, pair, truncation=True, max_length=length)
                cases.append(dict(text=text, textPair=pair, maxLength=length, ids=e["input_ids"], typeIds=e["token_type_ids"]))
    return cases


def main():
    made = dict(words={s: words(s) for s in SHAPES},
                pairs={s: pairs(s) for s in ("bertUncased", "roberta", "unigram")})
    (FIXTURES / "data" / "tasks.json").write_text(json.dumps(made, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
