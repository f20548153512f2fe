"""How a parity case is described. One file a topic in tools/parity_cases lists its cases as CASES."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Case:
    name: str
    model: str
    method: dict
    kind: str = 'LoraConfig'
    run: dict = field(default_factory=dict)
    data: str = 'text'
    # the run file names the method's fields instead of an adapter to start from
    afresh: bool = False
    rows: int = 0
    # fields of the run file beside the method's config, where the case starts afresh or the optimizer is not the plain one
    fields: dict = field(default_factory=dict)
    # what it does otherwise than the plain run: see Recipe in parity_training.py
    recipe: Any = None


def case(name: str, model: str, kind: str, settings: dict) -> Case:
    own = {key: settings.pop(key) for key in ('run', 'data', 'afresh', 'rows', 'fields', 'recipe') if key in settings}
    return Case(f'{model}-{name}', model, settings, kind, **own)


def lora(name: str, model: str, **settings) -> Case:
    return case(name, model, 'LoraConfig', settings)


def ia3(name: str, model: str, **settings) -> Case:
    return case(name, model, 'IA3Config', settings)
