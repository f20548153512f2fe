"""DoRA, whole and in stages; LoRA+; starts from a factorisation of the weight."""

from tempfile import TemporaryDirectory

import torch
from parity_case import case, lora
from parity_training import Recipe, Run, save_adapter, sort_config
from peft import get_peft_model_state_dict
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file, save_file


class Staged(Recipe):
    """DoRA whose magnitude rests for the first steps and learns at a rate of its own."""

    def __init__(self, rests: int, ratio: float):
        self.rests, self.ratio = rests, ratio

    @staticmethod
    def magnitudes(model):
        return [p for name, p in model.named_parameters() if 'lora_magnitude_vector' in name]

    def optimizer(self, model, run: Run):
        magnitudes = self.magnitudes(model)
        others = [p for p in model.parameters() if p.requires_grad and all(p is not m for m in magnitudes)]
        groups = [dict(params=others, lr=run.learning_rate), dict(params=magnitudes, lr=run.learning_rate * self.ratio)]
        return torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=run.weight_decay)

    def before_step(self, model, step: int):
        for magnitude in self.magnitudes(model):
            magnitude.requires_grad_(step > self.rests)


class Plus(Recipe):
    def __init__(self, ratio: float, embedding: float):
        self.ratio, self.embedding = ratio, embedding

    def optimizer(self, model, run: Run):
        return create_loraplus_optimizer(
            model, torch.optim.AdamW, lr=run.learning_rate, loraplus_lr_ratio=self.ratio, loraplus_lr_embedding=self.embedding)


class Converted(Recipe):
    """A start that changes the base, saved as a plain LoRA for the untouched one."""

    def attach(self, base, config):
        return self.remember(super().attach(base, config))

    def remember(self, model):
        self.start = TemporaryDirectory()
        model.save_pretrained(self.start.name)
        return model

    def save(self, model, folder):
        save_adapter(model, folder, path_initial_model_for_weight_conversion=self.start.name)
        path = folder / 'adapter_model.safetensors'
        # PEFT's conversion keeps A and B alone, and loses magnitudes and heads
        others = {key: value for key, value in get_peft_model_state_dict(model).items() if '.lora_A.' not in key and '.lora_B.' not in key}
        save_file({**load_file(path), **others}, path, metadata={'format': 'pt'})


class Principal(Converted):
    """PiSSA. A singular vector's sign is anyone's choice: here the largest entry of each row of A is positive."""

    def attach(self, base, config):
        model = Recipe.attach(self, base, config)
        with torch.no_grad():
            for module in model.modules():
                if hasattr(module, 'lora_A'):
                    fix_signs(module.lora_A['default'].weight, module.lora_B['default'].weight)
        return self.remember(model)


def fix_signs(a: torch.Tensor, b: torch.Tensor) -> None:
    signs = a.gather(1, a.abs().argmax(1, keepdim=True)).sign()
    a.mul_(signs)
    b.mul_(signs.T)


class LatentLinear(torch.nn.Module):
    """y = W x + b + s B R A x with A and B of W's leading directions; with a magnitude as DoRA has it around W + s B R A."""

    def __init__(self, base: torch.nn.Linear, config, has_magnitude: bool):
        super().__init__()
        self.base = base
        self.scale = config.lora_alpha / config.r
        u, s, vh = torch.linalg.svd(base.weight.data, full_matrices=False)
        self.register_buffer('a', s[:config.r, None] * vh[:config.r])
        self.register_buffer('b', u[:, :config.r].clone())
        self.inner = torch.nn.Parameter(torch.randn(config.r, config.r) * 0.03)
        self.magnitude = torch.nn.Parameter(base.weight.data.norm(dim=1)) if has_magnitude else None

    def forward(self, x):
        update = self.scale * x @ self.a.T @ self.inner.T @ self.b.T
        if self.magnitude is None:
            return self.base(x) + update
        norm = (self.base.weight + self.scale * self.b @ self.inner @ self.a).norm(dim=1).detach()
        y = self.magnitude / norm * (x @ self.base.weight.T + update)
        return y if self.base.bias is None else y + self.base.bias


class Latent(Recipe):
    """LoRA-XS and EDoRA, which no library has: saved as the LoRA or DoRA that they are, and beside it what it takes to go on."""

    def __init__(self, peft_type: str):
        self.fields = {'peft_type': peft_type}

    def attach(self, base, config):
        self.config = config
        base.requires_grad_(False)
        targets = [name for name, _ in base.named_modules() if name.split('.')[-1] in config.target_modules]
        for name in targets:
            parent, child = base.get_submodule(name.rpartition('.')[0]), name.rpartition('.')[2]
            setattr(parent, child, LatentLinear(getattr(parent, child), config, config.use_dora))
        return base

    def save(self, model, folder):
        self.config.save_pretrained(folder)
        sort_config(folder / 'adapter_config.json')
        tensors, state = {}, {}
        for name, module in model.named_modules():
            if isinstance(module, LatentLinear):
                key = f'base_model.model.{name}.lora_'
                tensors |= {f'{key}A.weight': module.a, f'{key}B.weight': module.b @ module.inner.data}
                state |= {f'{key}B.weight': module.b, f'{key}R.weight': module.inner.data}
                if module.magnitude is not None:
                    tensors[f'{key}magnitude_vector'] = module.magnitude.data
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / 'adapter_model.safetensors')
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / 'graft_state.safetensors')


CASES = [
    lora('dora', 'llama', r=3, lora_alpha=6, use_dora=True, target_modules=['q_proj', 'v_proj', 'down_proj'],
         run=dict(gradient_accumulation_steps=2, batch_size=2)),
    lora('dora-biases', 'qwen2', r=2, use_dora=True, use_rslora=True, target_modules=['k_proj', 'gate_proj'], bias='lora_only'),
    lora('qdora', 'llama-gguf', r=3, lora_alpha=6, use_dora=True, target_modules=['q_proj', 'k_proj', 'up_proj']),
    lora('dora-embedding-and-head', 'llama3', r=2, lora_alpha=4, use_dora=True, target_modules=['embed_tokens', 'lm_head', 'v_proj']),
    lora('dora-stages', 'llama', r=2, use_dora=True, run=dict(max_steps=6), recipe=Staged(3, 0.25),
         fields=dict(dora_magnitude_freeze_steps=3, dora_magnitude_lr_ratio=0.25)),
    lora('loraplus', 'llama3', r=3, target_modules=['embed_tokens', 'q_proj', 'v_proj'], modules_to_save=['norm'], run=dict(learning_rate=4e-3),
         recipe=Plus(6.0, 2e-2), fields=dict(loraplus_lr_ratio=6.0, loraplus_lr_embedding=2e-2)),
    lora('loraplus-dora', 'qwen2', r=2, use_dora=True, bias='all', run=dict(learning_rate=4e-3), recipe=Plus(4.0, 1e-6), fields=dict(loraplus_lr_ratio=4)),
    lora('pissa', 'llama', r=3, lora_alpha=5, init_lora_weights='pissa', target_modules=['q_proj', 'v_proj'], afresh=True, recipe=Principal()),
    lora('pissa-dora', 'llama-gguf', r=2, init_lora_weights='pissa_niter_400', use_dora=True, target_modules=['k_proj'], use_rslora=True,
         afresh=True, recipe=Principal()),
    lora('olora', 'qwen2', r=3, lora_alpha=2, init_lora_weights='olora', target_modules=['q_proj', 'up_proj'], afresh=True, recipe=Converted()),
    lora('orthogonal', 'mistral', r=4, init_lora_weights='orthogonal', target_modules=['o_proj', 'gate_proj']),
    lora('lora-xs', 'llama', r=5, lora_alpha=7, target_modules=['q_proj', 'v_proj', 'down_proj'], recipe=Latent('LORA_XS')),
    lora('edora', 'qwen2', r=4, use_dora=True, target_modules=['q_proj', 'up_proj'], recipe=Latent('EDORA')),
    case('vera', 'llama', 'VeraConfig', dict(r=7, target_modules=['q_proj', 'v_proj', 'down_proj'])),
    case('vera-unsaved', 'qwen2', 'VeraConfig', dict(
        r=5, projection_prng_key=3, d_initial=0.3, save_projection=False, target_modules=['k_proj', 'up_proj'], bias='vera_only')),
    lora('dora', 'gpt2', r=3, use_dora=True, target_modules=['c_attn', 'mlp.c_proj', 'wpe']),
    lora('pissa', 'gpt2', r=3, lora_alpha=4, init_lora_weights='pissa', target_modules=['c_attn'], afresh=True, recipe=Principal()),
    case('vera', 'gpt2', 'VeraConfig', dict(r=6)),
    lora('dora', 'bloom', r=2, use_dora=True, target_modules=['query_key_value', 'dense_h_to_4h']),
    lora('edora', 'bloom', r=3, use_dora=True, target_modules=['query_key_value'], recipe=Latent('EDORA')),
    lora('dora', 'bert', r=2, use_dora=True, target_modules=['query', 'output.dense'], data='classes'),
    lora('olora', 'bert', r=2, init_lora_weights='olora', target_modules=['value'], data='classes', afresh=True, recipe=Converted()),
]
