"""Makes this golden case: a tiny random K-EXAONE and what it computes.

Usage: python3 make_exaone_moe.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16; everything else is computed from the rounded weights in float64 by the formulas of ExaoneMoe in
transformers 5, without anything of Moetier. LLAMA is a folder of llama.cpp's libraries, such as
node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 of node-llama-cpp: with it, llama.cpp computes a GGUF file of the
same weights too, and has to agree.
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
    to_bfloat16,
    weighted_sum,
)

VOCAB, HIDDEN, LAYERS, DENSE = 320, 64, 4, 1
HEADS, KEY_HEADS, HEAD, WINDOW = 4, 2, 32, 8
EXPERTS, CHOSEN, EXPERT_WIDTH, DENSE_WIDTH = 8, 2, 32, 96
THETA, EPS, ROUTED_SCALE, POSITIONS, END = 1e6, 1e-5, 2.5, 128, 53
SLIDES = [(layer + 1) % 4 != 0 for layer in range(LAYERS)]
CONFIG = {
    "architectures": ["ExaoneMoeForCausalLM"],
    "attention_dropout": 0.0,
    "bos_token_id": 1,
    "dtype": "bfloat16",
    "eos_token_id": END,
    "first_k_dense_replace": DENSE,
    "head_dim": HEAD,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "initializer_range": 0.02,
    "intermediate_size": DENSE_WIDTH,
    "is_moe_layer": [layer >= DENSE for layer in range(LAYERS)],
    "layer_types": ["sliding_attention" if slides else "full_attention" for slides in SLIDES],
    "max_position_embeddings": POSITIONS,
    "mlp_layer_types": ["dense" if layer < DENSE else "sparse" for layer in range(LAYERS)],
    "model_type": "exaone_moe",
    "moe_intermediate_size": EXPERT_WIDTH,
    "mtp_layer_types": ["full_attention"],
    "mtp_sliding_windows": [0],
    "n_group": 1,
    "norm_topk_prob": True,
    "num_attention_heads": HEADS,
    "num_experts": EXPERTS,
    "num_experts_per_tok": CHOSEN,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KEY_HEADS,
    "num_nextn_predict_layers": 1,
    "num_shared_experts": 1,
    "pad_token_id": 0,
    "rms_norm_eps": EPS,
    "rope_parameters": {"rope_theta": THETA, "rope_type": "default"},
    "routed_scaling_factor": ROUTED_SCALE,
    "scoring_func": "sigmoid",
    "sliding_window": WINDOW,
    "sliding_window_pattern": "LLLG",
    "sliding_windows": [WINDOW if slides else 0 for slides in SLIDES],
    "tie_word_embeddings": False,
    "topk_group": 1,
    "topk_method": "noaux_tc",
    "use_cache": True,
    "vocab_size": VOCAB,
}
GGUF = {
    "block_count": LAYERS,
    "context_length": POSITIONS,
    "embedding_length": HIDDEN,
    "feed_forward_length": DENSE_WIDTH,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KEY_HEADS,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "attention.layer_norm_rms_epsilon": EPS,
    "attention.sliding_window": WINDOW,
    "attention.sliding_window_pattern": SLIDES,
    "vocab_size": VOCAB,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_shared_feed_forward_length": EXPERT_WIDTH,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "expert_group_count": 1,
    "expert_group_used_count": 1,
    "expert_shared_count": 1,
    "expert_weights_scale": ROUTED_SCALE,
    "expert_weights_norm": True,
    "expert_gating_func": 2,
    "leading_dense_block_count": DENSE,
    "nextn_predict_layers": 0,
    "rope.freq_base": THETA,
    "rope.scaling.type": "none",
}


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.embed_tokens.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        drawing.norm(prefix + "input_layernorm", HIDDEN)
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "self_attn."
        drawing.linear(attention + "q_proj", HEADS * HEAD, HIDDEN)
        drawing.linear(attention + "k_proj", KEY_HEADS * HEAD, HIDDEN)
        drawing.linear(attention + "v_proj", KEY_HEADS * HEAD, HIDDEN, 1.5)
        drawing.linear(attention + "o_proj", HIDDEN, HEADS * HEAD)
        drawing.norm(attention + "q_norm", HEAD, 1.3)
        drawing.norm(attention + "k_norm", HEAD)
        if layer < DENSE:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH, 1.5)
            continue
        drawing.linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        drawing.weights[prefix + "mlp.e_score_correction_bias"] = to_bfloat16(0.1 * drawing.random.normal(size=EXPERTS))
        for expert in range(EXPERTS):
            drawing.swiglu(prefix + f"mlp.experts.{expert}", HIDDEN, EXPERT_WIDTH, 1.5)
        drawing.swiglu(prefix + "mlp.shared_experts", HIDDEN, EXPERT_WIDTH, 1.5)
    drawing.norm("model.norm", HIDDEN)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def rotate(x, positions):
    """Rotates x, [tokens, heads, HEAD]: an element of the first half with the one of its place in the second."""
    angles = positions[:, None] * (1 / THETA ** (np.arange(0, HEAD, 2) / HEAD))[None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def attend(w, name, h, positions, slides, rotated):
    tokens = len(positions)

    def heads(part, count):
        return (h @ w[name + part + "_proj.weight"].T).reshape(tokens, count, HEAD)

    query = rms_norm(heads("q", HEADS), w[name + "q_norm.weight"], EPS)
    key = rms_norm(heads("k", KEY_HEADS), w[name + "k_norm.weight"], EPS)
    if rotated:
        query, key = rotate(query, positions), rotate(key, positions)
    key, value = (np.repeat(each, HEADS // KEY_HEADS, 1) for each in (key, heads("v", KEY_HEADS)))
    distance = positions[:, None] - positions[None]
    seen = (distance >= 0) & (distance < (WINDOW if slides else tokens))
    scores = np.where(seen[None], np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), value).reshape(tokens, HEADS * HEAD)
    return values @ w[name + "o_proj.weight"].T


def mix(w, name, h):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    scores = sigmoid(logits)
    corrected = scores + w[name + "e_score_correction_bias"]
    chosen = np.argsort(-corrected, -1, kind="stable")[:, :CHOSEN]
    weights = np.take_along_axis(scores, chosen, -1)
    chosen, weights = heaviest_first(chosen, weights)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([swiglu(w, name + f"experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    output = swiglu(w, name + "shared_experts.", h) + weighted_sum(outputs, chosen, weights)
    return output, logits, chosen, weights, margin_of(corrected, CHOSEN)


def forward(w, ids, slides=SLIDES, rotated=SLIDES):
    """slides, rotated: which layers do so"""
    return decode(
        CONFIG,
        w,
        ids,
        lambda layer, prefix, h, positions: attend(
            w, prefix + "self_attn.", h, positions, slides[layer], rotated[layer]
        ),
        lambda name, h: mix(w, name, h),
    )


def gguf_tensors(w):
    renamed = {
        "self_attn.q_proj.weight": "attn_q.weight",
        "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.q_norm.weight": "attn_q_norm.weight",
        "self_attn.k_norm.weight": "attn_k_norm.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.e_score_correction_bias": "exp_probs_b.bias",
    }
    return named_for_llama(w, renamed)


def effects(w, prompt, logits, routes):
    changes = {"without_windows": {"slides": [False] * LAYERS}, "with_every_layer_rotated": {"rotated": [True] * LAYERS}}
    return {
        name + "_max_abs_difference": abs(forward(w, prompt, **change)[0] - logits).max()
        for name, change in changes.items()
    }


make(
    CONFIG,
    draw_weights,
    forward,
    ("exaone-moe", GGUF, gguf_tensors),
    effects,
    "windows of eight keys, a full layer without positions, one dense layer, corrections of choices",
    end=END,
)
