"""Makes tests/fixtures/metrics.json: figures of tasks as scikit-learn, SciPy and rouge_score give them.

usage: python tools/make_metric_fixtures.py       (needs numpy, scikit-learn, scipy and rouge_score)

{classes: [{numLabels, logits, classIds, accuracy, f1_macro, matthews_correlation, confusion: [actual][predicted]}],
 labels: [{numLabels, logits, values, f1_micro, f1_macro, accuracy}],
 regression: [{logits, values, mse, pearson, spearman}],
 texts: {predictions, references, rouge1, rouge2, rougeL}}
"""
import json
import warnings
from pathlib import Path

import numpy as np
from rouge_score import rouge_scorer
from scipy import stats
from sklearn import metrics

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "metrics.json"
RNG = np.random.default_rng(3)

PAIRS = [
    ("The scion heals onto the stock.", "the scion was healed onto a stock"),
    ("graft in spring, bud in August", "Graft in spring; bud in August!"),
    ("", "nothing here"), ("something", ""), ("", ""),
    ("the the the the", "the cat the dog"),
    ("a b c d e f", "f e d c b a"),
    ("Ångström naïve 漢字 x_y don't 3.14", "angstrom naïve x y dont 3 14"),
    ("one", "one"), ("one two", "two one"),
]


def classes():
    for labels, rows, present in ((2, 40, 2), (3, 50, 3), (5, 30, 4), (3, 9, 1)):
        ids = RNG.integers(0, present, rows)
        logits = np.round(RNG.normal(size=(rows, labels)) + 1.2 * np.eye(labels)[ids], 3)
        guess = logits.argmax(1)
        yield dict(numLabels=labels, logits=logits.ravel().tolist(), classIds=ids.tolist(), accuracy=metrics.accuracy_score(ids, guess),
                   f1_macro=metrics.f1_score(ids, guess, average="macro"), matthews_correlation=metrics.matthews_corrcoef(ids, guess),
                   confusion=metrics.confusion_matrix(ids, guess, labels=range(labels)).tolist())


def several_labels():
    for labels, rows in ((3, 30), (4, 12)):
        values = (RNG.random((rows, labels)) < 0.35).astype(int)
        if labels == 4:
            values[:, 2] = 0
        logits = np.round(RNG.normal(size=(rows, labels)) + 2 * values - 1, 3)
        guess = (logits > 0).astype(int)
        yield dict(numLabels=labels, logits=logits.ravel().tolist(), values=values.ravel().tolist(), f1_micro=metrics.f1_score(values, guess, average="micro"),
                   f1_macro=metrics.f1_score(values, guess, average="macro", zero_division=0), accuracy=metrics.accuracy_score(values, guess))


def regression():
    for ties in (False, True):
        values = RNG.integers(0, 6, 25).astype(float) if ties else RNG.normal(size=25)
        logits = values + RNG.normal(size=25)
        logits = np.round(logits, 0 if ties else 4)
        yield dict(logits=logits.tolist(), values=values.tolist(), mse=metrics.mean_squared_error(values, logits),
                   pearson=stats.pearsonr(logits, values).statistic, spearman=stats.spearmanr(logits, values).statistic)


def texts():
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    scores = [scorer.score(reference, prediction) for prediction, reference in PAIRS]
    return dict(predictions=[p for p, _ in PAIRS], references=[r for _, r in PAIRS],
                **{kind: [score[kind].fmeasure for score in scores] for kind in ("rouge1", "rouge2", "rougeL")})


def main():
    warnings.simplefilter("ignore")
    made = dict(classes=list(classes()), labels=list(several_labels()), regression=list(regression()), texts=texts())
    OUT.write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
