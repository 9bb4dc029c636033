"""Makes this golden case: a tiny random Ling 2.0 and what it computes.

Usage: python3 make_bailing_moe.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of groups, of experts or of a greedy token is
close, and rounded to bfloat16; everything else is computed from the rounded weights in float64 by the formulas of
BailingMoeV2 as its publisher gives them, without anything of Moetier. LLAMA is a folder of llama.cpp's libraries, such
as node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 of node-llama-cpp: with it, llama.cpp computes a GGUF file of
the same weights too, and has to agree.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))
from golden_case import (
    Drawing,
    decode,
    heaviest_first,
    make,
    margin_of,
    named_for_llama,
    rms_norm,
    sigmoid,
    softmax,
    swiglu,
    weighted_sum,
)

VOCAB, HIDDEN, LAYERS, DENSE, HEADS, KEY_HEADS, HEAD, ROTATED = 320, 64, 3, 1, 4, 2, 16, 8
EXPERTS, CHOSEN, GROUPS, GROUPS_KEPT, EXPERT_WIDTH, DENSE_WIDTH = 12, 3, 4, 2, 32, 96
THETA, EPS, ROUTED_SCALE, POSITIONS = 600.0, 1e-6, 2.5, 128
CONFIG = {
    "architectures": ["BailingMoeV2ForCausalLM"],
    "attention_dropout": 0.0,
    "auto_map": {
        "AutoConfig": "configuration_bailing_moe_v2.BailingMoeV2Config",
        "AutoModel": "modeling_bailing_moe_v2.BailingMoeV2Model",
        "AutoModelForCausalLM": "modeling_bailing_moe_v2.BailingMoeV2ForCausalLM",
    },
    "embedding_dropout": 0.0,
    "eos_token_id": 2,
    "first_k_dense_replace": DENSE,
    "head_dim": HEAD,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "initializer_range": 0.02,
    "intermediate_size": DENSE_WIDTH,
    "max_position_embeddings": POSITIONS,
    "max_window_layers": LAYERS,
    "model_type": "bailing_moe",
    "moe_intermediate_size": EXPERT_WIDTH,
    "moe_router_enable_expert_bias": True,
    "moe_shared_expert_intermediate_size": EXPERT_WIDTH,
    "mtp_loss_scaling_factor": 0,
    "n_group": GROUPS,
    "norm_topk_prob": True,
    "num_attention_heads": HEADS,
    "num_experts": EXPERTS,
    "num_experts_per_tok": CHOSEN,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KEY_HEADS,
    "num_nextn_predict_layers": 0,
    "num_shared_experts": 1,
    "output_dropout": 0.0,
    "output_router_logits": False,
    "pad_token_id": 2,
    "partial_rotary_factor": ROTATED / HEAD,
    "rms_norm_eps": EPS,
    "rope_scaling": None,
    "rope_theta": THETA,
    "routed_scaling_factor": ROUTED_SCALE,
    "router_dtype": "fp32",
    "score_function": "sigmoid",
    "tie_word_embeddings": False,
    "topk_group": GROUPS_KEPT,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.52.3",
    "use_bias": False,
    "use_cache": True,
    "use_qk_norm": True,
    "use_qkv_bias": False,
    "use_rmsnorm": True,
    "vocab_size": VOCAB,
}
GGUF = {
    "block_count": LAYERS,
    "context_length": POSITIONS,
    "embedding_length": HIDDEN,
    "feed_forward_length": DENSE_WIDTH,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KEY_HEADS,
    "attention.layer_norm_rms_epsilon": EPS,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "vocab_size": VOCAB,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_shared_feed_forward_length": EXPERT_WIDTH,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "expert_shared_count": 1,
    "expert_group_count": GROUPS,
    "expert_group_used_count": GROUPS_KEPT,
    "expert_weights_scale": ROUTED_SCALE,
    "expert_weights_norm": True,
    "expert_gating_func": 2,
    "leading_dense_block_count": DENSE,
    "rope.dimension_count": ROTATED,
    "rope.freq_base": THETA,
    "rope.scaling.type": "none",
}


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.word_embeddings.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        drawing.norm(prefix + "input_layernorm", HIDDEN)
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "attention."
        drawing.linear(attention + "query_key_value", (HEADS + 2 * KEY_HEADS) * HEAD, HIDDEN)
        drawing.norm(attention + "query_layernorm", HEAD)
        drawing.norm(attention + "key_layernorm", HEAD)
        drawing.linear(attention + "dense", HIDDEN, HEADS * HEAD)
        if layer < DENSE:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH)
            continue
        drawing.linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        drawing.weights[prefix + "mlp.gate.expert_bias"] = drawing.random.normal(-0.5, 0.2, EXPERTS).astype("<f4")
        for expert in range(EXPERTS):
            drawing.swiglu(prefix + f"mlp.experts.{expert}", HIDDEN, EXPERT_WIDTH, 1.5)
        drawing.swiglu(prefix + "mlp.shared_experts", HIDDEN, EXPERT_WIDTH)
    drawing.norm("model.norm", HIDDEN)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def rotate(x, positions):
    """Rotates the first elements of heads, half a rotation apart from each other; x is [tokens, heads, HEAD]."""
    half = ROTATED // 2
    angles = positions[:, None] * THETA ** (-np.arange(half) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., :half], x[..., half:ROTATED]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin, x[..., ROTATED:]], -1)


def attend(w, name, h, positions):
    tokens = len(positions)
    heads = (h @ w[name + "query_key_value.weight"].T).reshape(tokens, HEADS + 2 * KEY_HEADS, HEAD)
    query, key, value = np.split(heads, [HEADS, HEADS + KEY_HEADS], 1)
    query = rotate(rms_norm(query, w[name + "query_layernorm.weight"], EPS), positions)
    key = rotate(rms_norm(key, w[name + "key_layernorm.weight"], EPS), positions)
    key, value = (np.repeat(each, HEADS // KEY_HEADS, 1) for each in (key, value))
    scores = np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), value).reshape(tokens, HEADS * HEAD)
    return values @ w[name + "dense.weight"].T


def choose(ranks, others):
    """Returns the experts with the largest ranks, of the groups whose two best are best, and how close others came.

    Experts of other groups have the rank `others`.
    """
    groups = ranks.reshape(len(ranks), GROUPS, -1)
    of_groups = np.sort(groups, -1)[..., -2:].sum(-1)
    kept = np.argsort(-of_groups, -1, kind="stable")[:, :GROUPS_KEPT]
    is_kept = np.zeros(of_groups.shape, bool)
    np.put_along_axis(is_kept, kept, True, -1)
    ranks = np.where(np.repeat(is_kept, EXPERTS // GROUPS, -1), ranks, others)
    chosen = np.argsort(-ranks, -1, kind="stable")[:, :CHOSEN]
    return chosen, min(margin_of(of_groups, GROUPS_KEPT), margin_of(ranks, CHOSEN))


def mix(w, name, h, others):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    scores = sigmoid(logits)
    chosen, margin = choose(scores + w[name + "gate.expert_bias"], others)
    weights = np.take_along_axis(scores, chosen, -1)
    chosen, weights = heaviest_first(chosen, weights)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([swiglu(w, f"{name}experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    output = swiglu(w, name + "shared_experts.", h) + weighted_sum(outputs, chosen, weights)
    return output, logits, chosen, weights, margin


def forward(w, ids, others=-np.inf):
    return decode(
        CONFIG,
        w,
        ids,
        lambda layer, prefix, h, positions: attend(w, prefix + "attention.", h, positions),
        lambda name, h: mix(w, name, h, others),
        "model.word_embeddings",
    )


def gguf_tensors(w):
    renamed = {
        "attention.query_key_value.weight": "attn_qkv.weight",
        "attention.query_layernorm.weight": "attn_q_norm.weight",
        "attention.key_layernorm.weight": "attn_k_norm.weight",
        "attention.dense.weight": "attn_output.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.gate.expert_bias": "exp_probs_b.bias",
    }
    return named_for_llama(w, renamed, "model.word_embeddings")


def effects(w, prompt, logits, routes):
    return {"others_as_zero_max_abs_difference": abs(forward(w, prompt, 0.0)[0] - logits).max()}


make(
    CONFIG,
    draw_weights,
    forward,
    ("bailingmoe2", GGUF, gguf_tensors),
    effects,
    "one dense layer, groups of three experts, scores that corrections make negative, half of each head rotated,"
    " corrections in single precision and the rest in bfloat16 as checkpoints have them",
    of="BailingMoeV2",
    lengths=(20, 16),
)
