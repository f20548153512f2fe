"""A base model of the parity cases as AdapterHub's `adapters` 1.3 can open it, under Transformers 4."""

import json
from pathlib import Path

import torch
from transformers import (
    AutoConfig, AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageClassification, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification,
    AutoModelForTokenClassification, AutoTokenizer,
)

CLASSES = 3
KINDS = {
    'CAUSAL_LM': AutoModelForCausalLM, 'SEQ_CLS': AutoModelForSequenceClassification, 'TOKEN_CLS': AutoModelForTokenClassification,
    'IMAGE_CLS': AutoModelForImageClassification, 'SEQ_2_SEQ_LM': AutoModelForSeq2SeqLM,
}


def open_model(path: Path, task: str):
    """Transformers 4 knows rope_theta, but not Transformers 5's rope_parameters."""
    labels = {} if task in ('CAUSAL_LM', 'SEQ_2_SEQ_LM') else {'num_labels': CLASSES}
    config = AutoConfig.from_pretrained(path, **labels)
    if hasattr(config, 'rope_parameters'):
        config.rope_theta = config.rope_parameters['rope_theta']
    torch.manual_seed(700)
    model = KINDS[task].from_pretrained(path, config=config, dtype=torch.float32)
    if task == 'SEQ_2_SEQ_LM':
        # Transformers 4 scales the decoder's output where the embeddings are tied; 5 has a field for it, and mT5 never does
        model.config.tie_word_embeddings = getattr(config, 'scale_decoder_outputs', config.model_type == 't5')
    if task == 'TOKEN_CLS':
        model.dropout.p = 0.0  # a tenth in a causal model whose config says nothing
    return model


def open_processor(path: Path, task: str):
    """Transformers 4 sets a byte-level tokenizer's add_prefix_space to what it is told, else to false."""
    if task == 'IMAGE_CLS':
        return AutoImageProcessor.from_pretrained(path)
    splitting = json.loads((path / 'tokenizer.json').read_text())['pre_tokenizer'] or {}
    return AutoTokenizer.from_pretrained(path, add_prefix_space=splitting.get('add_prefix_space', False))
