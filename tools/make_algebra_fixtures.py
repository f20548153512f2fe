"""Writes tests/fixtures/algebra: factorisations as torch computes them, and blends and conversions of LoRA adapters as PEFT does.

Run from the repository root with a Python that has torch, transformers and peft 0.21.2.
"""

import json
from pathlib import Path

import torch
from peft import LoHaConfig, LoraConfig, convert_to_lora, get_peft_model, get_peft_model_state_dict
from torch import nn

folder = Path("tests/fixtures/algebra")
folder.mkdir(parents=True, exist_ok=True)


def rounded(tensor: torch.Tensor) -> list:
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


def factorizations() -> None:
    """Q and R of torch.linalg.qr and the singular values of torch.linalg.svd, in double precision."""
    torch.manual_seed(0)
    matrices = {
        "tall": torch.randn(7, 4),
        "wide": torch.randn(4, 7),
        "square": torch.randn(5, 5),
        "one row": torch.randn(1, 5),
        "one column": torch.randn(5, 1),
        "triangular already": torch.triu(torch.randn(4, 4)),
        "graded": torch.randn(6, 6) * 10.0 ** -torch.arange(6)[:, None],
        "rank two": torch.randn(6, 2) @ torch.randn(2, 5),
    }
    cases = []
    for name, matrix in matrices.items():
        values = rounded(matrix)
        exact = torch.tensor(values, dtype=torch.float64).reshape(matrix.shape)
        q, r = torch.linalg.qr(exact)
        cases.append(
            {
                "name": name,
                "rows": exact.shape[0],
                "columns": exact.shape[1],
                "matrix": values,
                "q": rounded(q),
                "r": rounded(r),
                "singularValues": rounded(torch.linalg.svdvals(exact)),
            }
        )
    (folder / "factorizations.json").write_text(json.dumps(cases) + "\n")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.q_proj = nn.Linear(8, 6)
        self.v_proj = nn.Linear(6, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.v_proj(self.q_proj(self.embed(ids))))


both = {"target_modules": ["q_proj", "v_proj"]}
adapters = {
    "a": LoraConfig(r=4, lora_alpha=8, **both),
    "b": LoraConfig(r=4, lora_alpha=3, **both),
    "stabilised": LoraConfig(r=4, lora_alpha=6, use_rslora=True, **both),
    "narrow": LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"]),
    "patterned": LoraConfig(r=4, lora_alpha=8, rank_pattern={"v_proj": 2}, alpha_pattern={"q_proj": 2}, **both),
    "embedding": LoraConfig(r=3, lora_alpha=6, target_modules=["embed", "v_proj"]),
    "saved": LoraConfig(r=4, lora_alpha=8, modules_to_save=["head"], **both),
}
blends = [
    (["a", "b"], [0.7, 0.3], {"combination_type": "linear"}),
    (["a", "b"], [0.7, -0.4], {"combination_type": "linear"}),
    (["a", "stabilised"], [0.5, 0.5], {"combination_type": "linear"}),
    (["stabilised", "a"], [0.5, 0.5], {"combination_type": "linear"}),
    (["patterned", "patterned"], [0.5, 0.5], {"combination_type": "linear"}),
    (["a"], [0.5], {"combination_type": "svd"}),
    (["a", "b"], [0.7, -0.4], {"combination_type": "cat"}),
    (["a", "narrow"], [1.0, 2.0], {"combination_type": "cat"}),
    (["a", "patterned", "b"], [1.0, 2.0, 0.5], {"combination_type": "cat"}),
    (["a", "b"], [0.7, -0.4], {"combination_type": "svd"}),
    (["narrow", "a"], [0.7, 0.4], {"combination_type": "svd"}),
    (["a", "b"], [0.7, 0.4], {"combination_type": "svd", "svd_rank": 2}),
    (["embedding", "a"], [1.0, 1.0], {"combination_type": "svd"}),
    (["a", "b", "stabilised"], [0.7, 0.3, -0.2], {"combination_type": "ties", "density": 0.5}),
    (["a", "b"], [0.7, 0.3], {"combination_type": "ties", "density": 0.6, "majority_sign_method": "frequency"}),
    (["a", "b"], [0.7, 0.3], {"combination_type": "ties", "density": 1.0}),
    (["a", "b"], [0.7, 0.3], {"combination_type": "ties_svd", "density": 0.4}),
    (["embedding", "a"], [1.0, 0.5], {"combination_type": "ties_svd", "density": 0.4}),
    (["a", "b"], [0.7, 0.3], {"combination_type": "magnitude_prune", "density": 0.3}),
    (["a", "b"], [0.7, -0.3], {"combination_type": "magnitude_prune_svd", "density": 0.3}),
    (["a", "b"], [0.7, -0.3], {"combination_type": "dare_linear", "density": 1.0}),
    (["a", "b"], [0.7, -0.3], {"combination_type": "dare_ties_svd", "density": 1.0}),
    (["saved", "a"], [0.7, -0.3], {"combination_type": "linear"}),
]


def state(model: nn.Module, name: str) -> dict:
    tensors = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return {key: {"shape": list(tensor.shape), "data": rounded(tensor)} for key, tensor in sorted(tensors.items())}


def config(fields: LoraConfig) -> dict:
    return {key: sorted(value) if isinstance(value, set) else value for key, value in fields.to_dict().items()}


def weighted_adapters() -> None:
    """Blends by add_weighted_adapter. After a combination by SVD the file holds the product B A of each module, which no sign can change."""
    torch.manual_seed(0)
    model = get_peft_model(Net(), adapters["a"], adapter_name="a")
    for name, fields in adapters.items():
        if name != "a":
            model.add_adapter(name, fields)
    for key, parameter in model.named_parameters():
        if "lora_" in key or "modules_to_save" in key:
            parameter.data = (torch.randn_like(parameter) * 0.5).float()
    # as a file would hold them, so that both sides start from the same numbers
    inputs = {}
    for name in adapters:
        inputs[name] = {"config": config(model.peft_config[name]), "tensors": state(model, name)}
    cases = []
    for number, (names, weights, options) in enumerate(blends):
        name = f"blend{number}"
        # the same adapter twice: PEFT takes it
        model.add_weighted_adapter(names, weights, name, **options)
        fields = model.peft_config[name]
        tensors = {key: value for key, value in state(model, name).items() if ".head." not in key}
        case = {"adapters": names, "weights": weights, "options": options, "r": fields.r}
        if options["combination_type"].endswith("svd") and len(names) > 1:
            case["products"] = {
                key.replace("lora_A.weight", "").replace("lora_embedding_A", "").strip("."): rounded(
                    tensor(tensors[key.replace("A.", "B.") if "A." in key else key[:-1] + "B"]) @ tensor(tensors[key])
                )
                for key in tensors
                if "A" in key.split("lora_")[1]
            }
        else:
            case["tensors"] = tensors
        cases.append(case)
    (folder / "blends.json").write_text(json.dumps({"adapters": inputs, "blends": cases}) + "\n")


def tensor(stored: dict) -> torch.Tensor:
    return torch.tensor(stored["data"]).reshape(stored["shape"])


def conversions() -> None:
    """LoHa adapters made LoRA by convert_to_lora: the updates, and for each choice of rank the ranks and products B A that came of it."""
    torch.manual_seed(0)
    model = get_peft_model(Net(), LoHaConfig(r=2, alpha=4, **both))
    for key, parameter in model.named_parameters():
        if "hada_" in key:
            parameter.data = torch.randn_like(parameter) * 0.5
    layers = {"q_proj": model.base_model.model.q_proj, "v_proj": model.base_model.model.v_proj}
    updates = {
        name: {"shape": list(delta.shape), "data": rounded(delta)}
        for name, delta in ((name, layer.get_delta_weight("default").detach()) for name, layer in layers.items())
    }
    cases = []
    for rank in [1, 3, 0.5, 0.9, 0.999, 1.0]:
        lora, tensors = convert_to_lora(model, rank=rank)
        modules = {}
        for name in layers:
            a, b = (tensors[f"base_model.model.{name}.lora_{letter}.weight"] for letter in "AB")
            update = tensor(updates[name])
            modules[name] = {
                "rank": len(a),
                "product": rounded(b @ a),
                "energy": 1 - ((update - b @ a).norm() ** 2 / update.norm() ** 2).item(),
            }
        cases.append({"rank": rank, "isShare": isinstance(rank, float), "modules": modules})
    (folder / "conversions.json").write_text(json.dumps({"updates": updates, "conversions": cases}) + "\n")


factorizations()
weighted_adapters()
conversions()
