#!/usr/bin/env python3
"""Lays out folders as published models have them, with tiny random weights, and compares quiver's vectors with the reference's.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install \\
        sentence-transformers==6.2.0 transformers==5.23.0 torch==2.15.0
    swift build -c release --product quiver
    /tmp/venv/bin/python scripts/golden/field_folders.py [--model FOLDER] [--keep DIR] [NAME...]

A folder has what makes those of its kind hard: configurations as they were once written, tensors that are not used, names
with and without prefix, files beside the model, and tokenizers of the kind. The vocabularies are those of
Tests/Fixtures/tokenizers, and for BERT's line that of all-MiniLM-L6-v2 (`--model`). Texts of seven scripts go in, so that
ids count too. float32 fails past 2e-5 of a vector's length; a folder that the reference cannot load as it stands names the
folder whose vectors it must give.
"""
import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from folders import (
    BERT_TOKENS, METASPACE, NOISE, OLD_NAMES, POSITIONS, REPLACED, ROBERTA_TOKENS, ROOT, SIZES, STRIP, Folder, appended, converted,
    decoder_tokens, headed)
from models import dense, write_json

TEXTS = [
    "The river bank was flooded.", "I deposited 1,234.56 $ at the BANK!", "a", "", "Größere Straßen, naïve Ärzte",
    "中文字符和漢字、かな", "Привет, мир: ёж", "क़िला ١٢٣ שָׁלוֹם", "it's  we'LL\tdon't 👩‍👩‍👧 ﬁne ①", "[SEP] <s> </s> <pad> [MASK] text",
    " two  spaces, and at the end: ",
    "one two three four five six seven eight nine ten " * 9]
PROMPTS = {"query": "Represent this sentence for searching relevant passages: ", "document": ""}
BERT = NOISE | SIZES | {
    "architectures": ["BertModel"], "model_type": "bert", "vocab_size": 30522, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    "hidden_act": "gelu", "max_position_embeddings": 64, "pad_token_id": 0, "position_embedding_type": "absolute"}
XLMR = BERT | {
    "architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta", "type_vocab_size": 1, "layer_norm_eps": 1e-5,
    "max_position_embeddings": 66, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "vocab_size": 1600,
    "output_past": True}
DECODER = NOISE | SIZES | {
    "num_attention_heads": 4, "hidden_size": 32, "num_key_value_heads": 2, "hidden_act": "silu", "rms_norm_eps": 1e-6,
    "max_position_embeddings": 4096, "attention_dropout": 0.0, "tie_word_embeddings": False, "rope_theta": 10000.0}


def bge_small(f):
    f.weights(BERT, transformers.BertModel, 1, extra=POSITIONS)
    f.tokenizer("minilm", "BertTokenizer", tokens=BERT_TOKENS, do_lower_case=True, do_basic_tokenize=True, never_split=None,
                strip_accents=None, tokenize_chinese_chars=True, model_max_length=512)
    f.modules("Pooling", "Normalize")
    f.pool("cls_token")
    f.write("sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": True})
    f.settings()
    f.beside()


def arctic(f):
    """Prompts, float16, a limit in the tokenizer's file alone."""
    f.weights(BERT | {"torch_dtype": "float16"}, transformers.BertModel, 2, dtype=torch.float16, drop=["pooler"])
    f.tokenizer("minilm", "BertTokenizer", tokens=BERT_TOKENS, do_lower_case=True, model_max_length=48, max_length=512, stride=0,
                truncation_side="right", truncation_strategy="longest_first", pad_to_multiple_of=None, padding_side="right")
    f.modules("Pooling", "Normalize")
    f.pool("cls_token", include_prompt=True)
    f.settings(prompts=PROMPTS, default_prompt_name=None, similarity_fn_name="cosine")


def pretraining_head(f):
    """Without modules.json, with a head, prefixes, and the old names of norms."""
    f.weights(
        BERT | {"architectures": ["BertForMaskedLM"]}, transformers.BertForPreTraining, 3,
        rename=lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"))
    f.tokenizer("minilm", "BertTokenizer", tokens=BERT_TOKENS, model_max_length=512)


def bare_tokenizer(f):
    """A tokenizer.json alone, and no modules.json."""
    f.weights(BERT, transformers.BertModel, 4)
    shutil.copy(f.minilm / "tokenizer.json", f.path)


def labse(f):
    f.weights(BERT | {"vocab_size": 2600}, transformers.BertModel, 5)
    f.tokenizer("bert", "BertTokenizer", tokens=BERT_TOKENS, do_lower_case=False, tokenize_chinese_chars=True, strip_accents=None,
                model_max_length=512)
    f.modules("Pooling", "Dense", "Normalize")
    f.pool("cls_token")
    dense(f.path, "2_Dense", 24, 24, "activation.Tanh", 6)
    (f.path / "2_Dense/pytorch_model.bin").write_bytes(b"PK\x03\x04")
    f.write("sentence_bert_config.json", {"max_seq_length": 40, "do_lower_case": False})


def distiluse(f):
    """Everything of the transformer in a folder of its own, a class of the first releases, a smaller Dense."""
    config = NOISE | {
        "activation": "gelu", "architectures": ["DistilBertModel"], "attention_dropout": 0.1, "dim": 24, "dropout": 0.1,
        "hidden_dim": 40, "max_position_embeddings": 64, "model_type": "distilbert", "n_heads": 3, "n_layers": 2, "pad_token_id": 0,
        "sinusoidal_pos_embds": False, "tie_weights_": True, "vocab_size": 2600, "output_hidden_states": True}
    f.weights(config, transformers.DistilBertModel, 7, inside="0_Transformer")
    f.tokenizer("bert", "DistilBertTokenizer", inside="0_Transformer", tokens=BERT_TOKENS, do_lower_case=False, model_max_length=512)
    f.modules("Pooling", "Dense", first="0_Transformer")
    f.pool("mean_tokens")
    dense(f.path, "2_Dense", 24, 16, "activation.Tanh", 8)
    write_json(f.path / "0_Transformer/sentence_distilbert_config.json", {"max_seq_length": 48, "do_lower_case": False})


def xlmr_tokens(f, **more):
    f.tokenizer("xlm-roberta", "XLMRobertaTokenizer", tokens=ROBERTA_TOKENS, first=["<s>", "<pad>", "</s>", "<unk>"], **{"model_max_length": 512} | more)


def bge_m3(f):
    f.weights(XLMR, transformers.XLMRobertaModel, 9, extra={"embeddings.position_ids": torch.arange(66)[None]})
    xlmr_tokens(f, model_max_length=8192, sp_model_kwargs={})
    f.modules("Pooling", "Normalize")
    f.pool("cls_token")
    f.write("sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    for name in ["colbert_linear.pt", "sparse_linear.pt", "sentencepiece.bpe.model"]:
        (f.path / name).write_bytes(b"PK")
    f.beside()


def multilingual_e5(f):
    """The limit by the positions of the file, which are two more than there are."""
    f.weights(XLMR | {"architectures": ["XLMRobertaModel"]}, transformers.XLMRobertaModel, 10)
    xlmr_tokens(f)
    f.modules("Pooling", "Normalize")
    f.pool("mean_tokens")
    f.write("sentence_bert_config.json", {"max_seq_length": 62, "do_lower_case": False})


def multilingual_e5_small(f):
    """BERT by its configuration, XLM-R by its tokenizer."""
    f.weights(BERT | {"vocab_size": 1600, "tokenizer_class": "XLMRobertaTokenizer"}, transformers.BertModel, 11, drop=["pooler"])
    xlmr_tokens(f)
    f.modules("Pooling", "Normalize")
    f.pool("mean_tokens")
    f.write("sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})


def masked_xlmr(f):
    """A masked language model's folder: prefix and head, and nothing of sentence-transformers."""
    config = XLMR | {"architectures": ["XLMRobertaForMaskedLM"], "max_position_embeddings": 514}
    f.weights(config, transformers.XLMRobertaForMaskedLM, 12)
    xlmr_tokens(f)


def all_distilroberta(f):
    config = XLMR | {"architectures": ["RobertaModel"], "model_type": "roberta", "vocab_size": 1001}
    f.weights(config, transformers.RobertaModel, 13, rename=lambda name: "roberta." + name)
    f.tokenizer("roberta", "RobertaTokenizer", tokens=ROBERTA_TOKENS, add_prefix_space=False, trim_offsets=True, model_max_length=512,
                errors="replace")
    f.modules("Pooling", "Normalize")
    f.pool("mean_tokens")
    f.write("sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})


def t5_tokens(f):
    f.tokenizer("t5", "T5Tokenizer", tokens={"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}, extra_ids=0,
                first=["<pad>", "</s>", "<unk>"], model_max_length=512, sp_model_kwargs={})


T5 = {
    "architectures": ["T5EncoderModel"], "model_type": "t5", "d_model": 24, "d_kv": 8, "num_heads": 3, "d_ff": 40, "num_layers": 2,
    "num_decoder_layers": 2, "is_encoder_decoder": True, "feed_forward_proj": "relu", "layer_norm_epsilon": 1e-6, "dropout_rate": 0.1,
    "relative_attention_num_buckets": 32, "n_positions": 512, "vocab_size": 1632, "pad_token_id": 0, "eos_token_id": 1,
    "decoder_start_token_id": 0, "output_past": True, "task_specific_params": {"summarization": {"prefix": "summarize: "}}}


def sentence_t5(f):
    """The table under its second name alone, and a decoder beside the encoder."""
    f.weights(
        T5, transformers.T5ForConditionalGeneration, 14, drop=["shared.weight", "decoder.embed_tokens", "lm_head"])
    t5_tokens(f)
    f.modules("Pooling", "Dense", "Normalize")
    f.pool("mean_tokens")
    dense(f.path, "2_Dense", 24, 20, "linear.Identity", 15, bias=False)
    f.write("sentence_bert_config.json", {"max_seq_length": 60, "do_lower_case": False})


def instructor(f):
    config = T5 | {"feed_forward_proj": "gated-gelu", "d_kv": 12}
    f.weights(config, transformers.T5EncoderModel, 16)
    t5_tokens(f)
    f.modules("Pooling", "Dense", "Normalize")
    f.pool("mean_tokens", include_prompt=False)
    dense(f.path, "2_Dense", 24, 20, "linear.Identity", 17, bias=False)
    f.write("sentence_bert_config.json", {"max_seq_length": 60, "do_lower_case": False})
    f.settings(prompts={"query": "Represent the question for retrieving documents: "}, default_prompt_name="query")


QWEN3 = DECODER | {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 16, "vocab_size": 900, "attention_bias": False,
    "rope_theta": 1000000, "rope_scaling": None, "sliding_window": None, "use_sliding_window": False, "max_window_layers": 2,
    "bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": True, "torch_dtype": "bfloat16"}


def qwen3_embedding(f):
    f.weights(QWEN3, transformers.Qwen3Model, 18, dtype=torch.bfloat16)
    decoder_tokens(f, "qwen2", "Qwen2Tokenizer", "<|endoftext|>", add_bos_token=False, add_prefix_space=False)
    appended(f, "<|endoftext|>", 0)
    f.modules("Pooling", "Normalize")
    f.pool("lasttoken", 32, include_prompt=True)
    f.settings(prompts={"query": "Instruct: Given a query\nQuery:", "document": ""}, default_prompt_name=None, similarity_fn_name="cosine")


def causal_folder(f):
    """Nothing of sentence-transformers: a causal language model is pooled by its last token."""
    f.weights(QWEN3 | {"tie_word_embeddings": False}, transformers.Qwen3ForCausalLM, 19)
    decoder_tokens(f, "qwen2", "PreTrainedTokenizerFast", "<|endoftext|>")
    appended(f, "<|endoftext|>", 0)


QWEN2 = DECODER | {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": 900, "rope_theta": 1000000.0, "sliding_window": 131072,
    "use_sliding_window": False, "max_window_layers": 28, "is_causal": False, "torch_dtype": "float32",
    "auto_map": {"AutoModel": "modeling_qwen.Qwen2Model", "AutoModelForCausalLM": "modeling_qwen.Qwen2ForCausalLM"}}


def gte_qwen2(f):
    f.weights(QWEN2, transformers.Qwen2Model, 20)
    decoder_tokens(f, "qwen2", "PreTrainedTokenizerFast", "<|endoftext|>", add_eos_token=True)
    appended(f, "<|endoftext|>", 0)
    f.modules("Pooling", "Normalize")
    f.pool("lasttoken", 32)
    f.write("sentence_bert_config.json", {"max_seq_length": 8192, "do_lower_case": False})
    f.settings(prompts={"query": "Instruct: find\nQuery: "})


def both_ways_folder(f):
    """A language model that is not causal, and no modules.json: the mean."""
    f.weights(QWEN2, transformers.Qwen2ForCausalLM, 21)
    decoder_tokens(f, "qwen2", "PreTrainedTokenizerFast", "<|endoftext|>")
    appended(f, "<|endoftext|>", 0)


def e5_mistral(f):
    config = DECODER | {
        "architectures": ["MistralModel"], "model_type": "mistral", "vocab_size": 1500, "sliding_window": 16, "rms_norm_eps": 1e-5,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "torch_dtype": "float16", "max_position_embeddings": 32768}
    f.weights(config, transformers.MistralModel, 22, dtype=torch.float16)
    f.tokenizer("llama2", "LlamaTokenizer", tokens={"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"},
                legacy=True, model_max_length=1000000000000000019884624838656, add_bos_token=True, add_eos_token=True)
    appended(f, "</s>", 2, start="<s>")
    f.modules("Pooling", "Normalize")
    f.pool("lasttoken", 32)
    f.write("sentence_bert_config.json", {"max_seq_length": 4096, "do_lower_case": False})


def embedding_gemma(f):
    config = DECODER | {
        "architectures": ["Gemma3TextModel"], "model_type": "gemma3_text", "vocab_size": 1500, "head_dim": 16, "num_hidden_layers": 3,
        "_sliding_window_pattern": 6, "attention_bias": False, "attn_logit_softcapping": None, "final_logit_softcapping": None,
        "hidden_activation": "gelu_pytorch_tanh", "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
        "query_pre_attn_scalar": 16, "rope_local_base_freq": 10000.0, "rope_scaling": None, "rope_theta": 1000000.0, "sliding_window": 24,
        "use_bidirectional_attention": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "dtype": "float32"}
    del config["hidden_act"]
    f.weights(config, transformers.Gemma3TextModel, 23)
    f.tokenizer("gemma", "GemmaTokenizerFast", tokens={"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>", "unk_token": "<unk>"},
                model_max_length=2048, add_bos_token=True, add_eos_token=True, spaces_between_special_tokens=False)
    f.modules("Pooling", "Dense", "Dense", "Normalize")
    f.pool("mean_tokens", 32, include_prompt=True)
    dense(f.path, "2_Dense", 32, 48, "linear.Identity", 24, bias=False)
    dense(f.path, "3_Dense", 48, 32, "linear.Identity", 25, bias=False)
    f.write("sentence_bert_config.json", {"max_seq_length": 2048, "do_lower_case": False})
    f.settings(model_type="SentenceTransformer", prompts={"query": "task: search result | query: ", "document": "title: none | text: "},
               default_prompt_name=None, similarity_fn_name="cosine")


MODERNBERT = NOISE | SIZES | {
    "architectures": ["ModernBertForMaskedLM"], "model_type": "modernbert", "vocab_size": 1001, "num_hidden_layers": 4,
    "attention_bias": False, "attention_dropout": 0.0, "classifier_activation": "gelu", "classifier_bias": False, "classifier_pooling": "mean",
    "cls_token_id": 0, "decoder_bias": True, "deterministic_flash_attn": False, "embedding_dropout": 0.0, "global_attn_every_n_layers": 3,
    "global_rope_theta": 160000.0, "hidden_activation": "gelu", "initializer_cutoff_factor": 2.0, "layer_norm_eps": 1e-5,
    "local_attention": 16, "local_rope_theta": 10000.0, "max_position_embeddings": 8192, "mlp_bias": False, "mlp_dropout": 0.0,
    "norm_bias": False, "norm_eps": 1e-5, "pad_token_id": 1, "position_embedding_type": "absolute", "reference_compile": False,
    "repad_logits_with_grad": False, "sep_token_id": 2, "bos_token_id": 0, "eos_token_id": 2, "sparse_pred_ignore_index": -100,
    "sparse_prediction": False}


def modernbert_embed(f):
    f.weights(MODERNBERT | {"architectures": ["ModernBertModel"]}, transformers.ModernBertModel, 26)
    f.tokenizer("roberta", "PreTrainedTokenizerFast", tokens=ROBERTA_TOKENS, clean_up_tokenization_spaces=True, model_max_length=8192,
                model_input_names=["input_ids", "attention_mask"])
    f.modules("Pooling", "Normalize")
    f.pool("mean_tokens")
    f.write("sentence_bert_config.json", {"max_seq_length": 8192, "do_lower_case": False})
    f.settings(prompts={"query": "search_query: ", "document": "search_document: "})


def modernbert_masked(f):
    f.weights(MODERNBERT, transformers.ModernBertForMaskedLM, 27)
    f.tokenizer("roberta", "PreTrainedTokenizerFast", tokens=ROBERTA_TOKENS, model_max_length=8192,
                model_input_names=["input_ids", "attention_mask"])


def albert_small(f):
    config = NOISE | SIZES | {
        "architectures": ["AlbertModel"], "model_type": "albert", "embedding_size": 12, "hidden_act": "gelu", "vocab_size": 1600,
        "inner_group_num": 1, "num_hidden_groups": 1, "net_structure_type": 0, "gap_size": 0, "down_scale_factor": 1, "num_memory_blocks": 0,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 64, "type_vocab_size": 2, "pad_token_id": 1, "position_embedding_type": "absolute"}
    f.weights(config, transformers.AlbertModel, 28)
    f.tokenizer("albert", "PreTrainedTokenizerFast", tokens=ROBERTA_TOKENS, do_lower_case=True, keep_accents=False, remove_space=True,
                model_max_length=512)
    f.modules("Pooling")
    f.pool("mean_tokens")
    f.write("sentence_bert_config.json", {"max_seq_length": 60})


def mdeberta(f):
    converted(f, "deberta-v3", "DebertaV2Tokenizer", [STRIP], {"type": "Sequence", "pretokenizers": [METASPACE]},
              do_lower_case=False, split_by_punct=False, vocab_type="spm")


def deberta_punctuation(f):
    converted(f, "deberta-v2-unshared", "DebertaV2Tokenizer", [STRIP], METASPACE, do_lower_case=True, split_by_punct=True)


def bigbird_roberta(f):
    converted(f, "bigbird", "BigBirdTokenizer", [], METASPACE)


def albert_base(f):
    converted(f, "albert", "AlbertTokenizer", [*REPLACED, {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}], METASPACE)


def albert_cased(f):
    converted(f, "albert", "AlbertTokenizer", REPLACED, METASPACE, do_lower_case=False, keep_accents=True)


def camembert_base(f):
    converted(f, "camembert", "CamembertTokenizer", [], METASPACE)


def mt5(f):
    converted(f, "t5-gated", "T5Tokenizer", [], METASPACE, extra_ids=0)


def umt5(f):
    """The class is not used for this kind: the file is."""
    converted(f, "umt5", "T5Tokenizer", [], METASPACE, extra_ids=0)


def static_mrl(f):
    tokenizer = Tokenizer.from_file(str(f.minilm / "tokenizer.json"))
    tokenizer.no_truncation()
    table = torch.randn(30522, 24, generator=torch.Generator().manual_seed(29))
    (f.path / "0_StaticEmbedding").mkdir()
    StaticEmbedding(tokenizer, embedding_weights=table).save(str(f.path / "0_StaticEmbedding"))
    f.write("modules.json", [{"idx": 0, "name": "0", "path": "0_StaticEmbedding", "type": OLD_NAMES + "StaticEmbedding"}])
    f.settings(prompts={}, default_prompt_name=None, similarity_fn_name="cosine")


def potion(f):
    """model2vec's own folder with the modules that it writes for sentence-transformers."""
    file = json.loads((f.minilm / "tokenizer.json").read_text()) | {"truncation": None, "padding": None}
    (f.path / "tokenizer.json").write_text(json.dumps(file))
    table = torch.randn(30522, 24, generator=torch.Generator().manual_seed(30))
    save_file({"embeddings": table}, f.path / "model.safetensors")
    f.write("config.json", {
        "model_type": "model2vec", "architectures": ["StaticModel"], "tokenizer_name": "baai/bge-base-en-v1.5", "apply_pca": 24,
        "apply_zipf": True, "sif_coefficient": 0.0001, "hidden_dim": 24, "seq_length": 1000000, "normalize": True})
    f.write("modules.json", [
        {"idx": 0, "name": "0", "path": ".", "type": OLD_NAMES + "StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": OLD_NAMES + "Normalize"}])


def untidy_paths(f):
    """Paths as people write them."""
    bge_small(f)
    f.write("modules.json", [
        {"idx": 0, "name": "0", "path": "./", "type": OLD_NAMES + "Transformer"},
        {"idx": 1, "name": "1", "path": "./1_Pooling/", "type": OLD_NAMES + "Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize/", "type": OLD_NAMES + "Normalize"}])


def new_save(f):
    """What sentence-transformers 6 makes of a folder when it saves it."""
    with tempfile.TemporaryDirectory() as scratch:
        old = Folder(Path(scratch) / "old", f.minilm)
        labse(old)
        f.path.rmdir()
        SentenceTransformer(str(old.path), device="cpu").save_pretrained(str(f.path))


def left_cut(f):
    """Texts that are too long lose their beginning."""
    f.weights(BERT, transformers.BertModel, 31)
    f.tokenizer("minilm", "BertTokenizer", tokens=BERT_TOKENS, do_lower_case=True, model_max_length=32, truncation_side="left")


def dense_activations(f):
    """Each activation that a Dense module can name, one after the other."""
    f.weights(BERT, transformers.BertModel, 32)
    f.tokenizer("minilm", "BertTokenizer", tokens=BERT_TOKENS, do_lower_case=True, model_max_length=64)
    names = [
        "activation.Tanh", "activation.ReLU", "activation.GELU", "activation.SiLU", "activation.Sigmoid", "linear.Identity",
        "activation.ELU", "activation.LeakyReLU", "activation.Mish", "activation.Softplus", "activation.Hardswish", "activation.SELU",
        "activation.CELU", "activation.ReLU6", "activation.Hardtanh", "activation.Hardsigmoid", "activation.LogSigmoid",
        "activation.Softsign", "activation.Softshrink", "activation.Tanhshrink", "activation.Hardshrink", "activation.RReLU",
        "activation.Softmax", "activation.LogSoftmax", "activation.Softmin"]
    f.modules("Pooling", *["Dense"] * len(names))
    f.pool("mean_tokens")
    for index, name in enumerate(names, 2):
        dense(f.path, f"{index}_Dense", 24, 24, name, 100 + index, residual=index % 2 == 0)


HEADED = {
    "bert": "BertForMaskedLM", "distilbert": "DistilBertForMaskedLM", "mpnet": "MPNetForMaskedLM", "roberta": "RobertaForMaskedLM",
    "xlm-roberta": "XLMRobertaForSequenceClassification", "camembert": "CamembertForTokenClassification",
    "electra-small": "ElectraForPreTraining", "albert-groups": "AlbertForMaskedLM", "deberta-v3": "DebertaV2ForMaskedLM",
    "deberta-v2-convolution": "DebertaV2ForSequenceClassification", "t5": "T5ForConditionalGeneration", "umt5": "UMT5ForConditionalGeneration",
    "t5-gated": "MT5ForConditionalGeneration", "modernbert": "ModernBertForSequenceClassification", "nomic": "NomicBertForMaskedLM",
    "gte": "GteForMaskedLM", "eurobert": "EuroBertForMaskedLM", "llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM",
    "qwen3": "Qwen3ForSequenceClassification", "gemma": "Gemma3ForCausalLM", "longformer": "LongformerForMaskedLM",
    "bigbird": "BigBirdForMaskedLM"}
CASES = {
    function.__name__: function for function in [
        bge_small, arctic, pretraining_head, bare_tokenizer, labse, distiluse, bge_m3, multilingual_e5, multilingual_e5_small,
        masked_xlmr, all_distilroberta, sentence_t5, instructor, qwen3_embedding, causal_folder, gte_qwen2, both_ways_folder,
        e5_mistral, embedding_gemma, modernbert_embed, modernbert_masked, albert_small, mdeberta, deberta_punctuation, bigbird_roberta, albert_base,
        albert_cased, camembert_base, mt5, umt5, static_mrl, potion, untidy_paths, new_save,
        left_cut, dense_activations]} | {f"{base}_head": headed(base, cls) for base, cls in HEADED.items()}


def reference(folder):
    model = SentenceTransformer(str(folder), model_kwargs={"dtype": torch.float32}, device="cpu")
    model.eval()
    # One text at a time, so that none is computed beside the padding of another.
    vectors = []
    for text in TEXTS:
        if hasattr(model[0], "model") and hasattr(model[0].model, "set_attention_type"):
            # BigBird does not go back to its blocks after a short text.
            model[0].model.set_attention_type("block_sparse")
        vectors.append(model.encode([text], convert_to_numpy=True)[0])
    return numpy.stack(vectors)


def own(binary, folder):
    lines = [text.replace("\n", " ") for text in TEXTS]
    run = subprocess.run(
        [binary, "embed", "--model", folder, "--dtype", "float32"], input="\n".join(lines).encode() + b"\n", capture_output=True)
    if run.returncode:
        return run.stderr.decode().strip()
    return numpy.load(io.BytesIO(run.stdout))


def check(name, path, options):
    CASES[name](Folder(path, options.model))
    try:
        expected = reference(path)
    except Exception as error:
        print(f"{name}: the reference fails: {type(error).__name__}: {str(error)[:200]}", flush=True)
        return False
    got = own(options.binary, path)
    if isinstance(got, str):
        print(f"{name}: {got}", flush=True)
        return False
    if got.shape != expected.shape:
        print(f"{name}: shape {got.shape}, expected {expected.shape}", flush=True)
        return False
    lengths = numpy.maximum(1e-9, numpy.linalg.norm(expected, axis=1, keepdims=True))
    differences = (abs(got - expected) / lengths).max(1)
    passed = bool(differences.max() <= 2e-5)
    print(f"{name}: {len(TEXTS)} texts, {got.shape[1]} components, largest difference {differences.max():.1e}" +
          ("" if passed else f" WRONG at {[TEXTS[i][:30] for i in numpy.flatnonzero(~(differences <= 2e-5))]}"), flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / ".build/release/quiver")
    parser.add_argument("--model", type=Path, default=Path.home() / ".cache/quiver/models/all-MiniLM-L6-v2")
    parser.add_argument("--keep", type=Path, help="leave the folders here")
    parser.add_argument("names", nargs="*", choices=[[], *CASES])
    options = parser.parse_args()
    torch.set_num_threads(1)
    passed = True
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        for name in options.names or CASES:
            shutil.rmtree(root / name, ignore_errors=True)
            passed &= check(name, root / name, options)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
