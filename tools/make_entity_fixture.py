"""Makes tests/fixtures/entities.json: figures of named entities as seqeval gives them, in its default mode.

usage: python tools/make_entity_fixture.py       (needs numpy and seqeval)

[{names, actual: by row the numbers of its words' labels, predicted: likewise, precision, recall, f1, accuracy}]
"""
import json
import warnings
from pathlib import Path

import numpy as np
from seqeval import metrics

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "entities.json"
SCHEMES = [
    (["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], 0.5), (["B-X", "I-X", "O"], 0.8), (["O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B"], 0.7),
    (["I-MISC", "O", "I-ORG"], 0.6), (["O", "B-multi-word", "I-multi-word", "B-multi"], 0.4), (["B-PER", "O", "I-PER"], 0.0),
]


def entry(names: list[str], share: float, rng) -> dict:
    """Random labels, of which that share is predicted right."""
    lengths = rng.integers(1, 9, 12)
    actual = [rng.integers(0, len(names), length).tolist() for length in lengths]
    predicted = [[label if rng.random() < share else int(rng.integers(0, len(names))) for label in row] for row in actual]
    if share == 0:
        predicted = [[names.index("O")] * len(row) for row in actual]
    said, found = ([[names[label] for label in row] for row in rows] for rows in (actual, predicted))
    figures = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score, "accuracy": metrics.accuracy_score}
    return {"names": names, "actual": actual, "predicted": predicted, **{name: float(score(said, found)) for name, score in figures.items()}}


def main() -> None:
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(5)
    OUT.write_text(json.dumps([entry(names, share, rng) for names, share in SCHEMES], separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
