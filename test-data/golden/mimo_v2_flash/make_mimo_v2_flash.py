"""Makes this golden case: a tiny random MiMo-V2-Flash and what it computes.

Usage: python3 make_mimo_v2_flash.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16; everything else is computed from the rounded weights in float64 by the formulas of MiMoV2Flash in
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
    sigmoid,
    swiglu,
    to_bfloat16,
    weighted_sum,
)

VOCAB, HIDDEN, HEADS = 320, 64, 4
SLIDES, SPARSE = [0, 1, 1, 0], [0, 1, 1, 1]
LAYERS = len(SLIDES)
KV_HEADS, THETAS = [1, 2], [1000.0, 100.0]  # of layers that see all, and of those that slide
HEAD, VALUE, ROTARY_SHARE, WINDOW, VALUE_SCALE = 24, 16, 0.334, 8, 0.707
ROTARY = int(HEAD * ROTARY_SHARE)
EXPERTS, CHOSEN, EXPERT_WIDTH, DENSE_WIDTH = 8, 2, 32, 96
EPS, POSITIONS = 1e-5, 128
CONFIG = {
    "architectures": ["MiMoV2FlashForCausalLM"],
    "add_full_attention_sink_bias": False,
    "add_swa_attention_sink_bias": True,
    "attention_bias": False,
    "attention_chunk_size": WINDOW,
    "attention_dropout": 0.0,
    "attention_value_scale": VALUE_SCALE,
    "head_dim": HEAD,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "hybrid_block_size": None,
    "hybrid_layer_pattern": SLIDES,
    "initializer_range": 0.02,
    "intermediate_size": DENSE_WIDTH,
    "layernorm_epsilon": EPS,
    "max_position_embeddings": POSITIONS,
    "model_type": "mimo_v2_flash",
    "moe_intermediate_size": EXPERT_WIDTH,
    "moe_layer_freq": SPARSE,
    "n_group": 1,
    "n_routed_experts": EXPERTS,
    "n_shared_experts": None,
    "norm_topk_prob": True,
    "num_attention_heads": HEADS,
    "num_experts_per_tok": CHOSEN,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KV_HEADS[0],
    "partial_rotary_factor": ROTARY_SHARE,
    "rope_theta": THETAS[0],
    "routed_scaling_factor": None,
    "scoring_func": "sigmoid",
    "sliding_window": WINDOW,
    "sliding_window_size": WINDOW,
    "swa_head_dim": HEAD,
    "swa_num_attention_heads": HEADS,
    "swa_num_key_value_heads": KV_HEADS[1],
    "swa_rope_theta": THETAS[1],
    "swa_v_head_dim": VALUE,
    "tie_word_embeddings": False,
    "topk_group": 1,
    "topk_method": "noaux_tc",
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "v_head_dim": VALUE,
    "vocab_size": VOCAB,
}
GGUF = {
    "block_count": LAYERS,
    "context_length": POSITIONS,
    "embedding_length": HIDDEN,
    "feed_forward_length": DENSE_WIDTH,
    "attention.head_count": HEADS,
    "attention.head_count_kv": [KV_HEADS[slides] for slides in SLIDES],
    "attention.layer_norm_rms_epsilon": EPS,
    "attention.key_length": HEAD,
    "attention.value_length": VALUE,
    "attention.value_scale": VALUE_SCALE,
    "attention.sliding_window": WINDOW,
    "attention.sliding_window_pattern": SLIDES,
    "vocab_size": VOCAB,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "expert_weights_norm": True,
    "expert_gating_func": 2,
    "rope.dimension_count": ROTARY,
    "rope.freq_base": THETAS[0],
    "rope.freq_base_swa": THETAS[1],
}


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.embed_tokens.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        drawing.norm(prefix + "input_layernorm", HIDDEN)
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "self_attn."
        kv_heads = KV_HEADS[SLIDES[layer]]
        drawing.linear(attention + "q_proj", HEADS * HEAD, HIDDEN, 1.5)
        drawing.linear(attention + "k_proj", kv_heads * HEAD, HIDDEN, 1.3)
        drawing.linear(attention + "v_proj", kv_heads * VALUE, HIDDEN, 1.5)
        drawing.linear(attention + "o_proj", HIDDEN, HEADS * VALUE)
        if SLIDES[layer]:
            drawing.weights[attention + "attention_sink_bias"] = to_bfloat16(drawing.random.normal(0.5, 1, HEADS))
        if not SPARSE[layer]:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH)
            continue
        drawing.linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        drawing.weights[prefix + "mlp.gate.e_score_correction_bias"] = to_bfloat16(drawing.random.normal(0, 0.1, EXPERTS))
        for expert in range(EXPERTS):
            drawing.swiglu(prefix + f"mlp.experts.{expert}", HIDDEN, EXPERT_WIDTH, 1.5)
    drawing.norm("model.norm", HIDDEN)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def rotate(x, positions, theta):
    """Rotates the first ROTARY elements of x, [tokens, heads, HEAD], an element of each half together."""
    angles = positions[:, None] * theta ** (-np.arange(0, ROTARY, 2) / ROTARY)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., : ROTARY // 2], x[..., ROTARY // 2 : ROTARY]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin, x[..., ROTARY:]], -1)


def attend(w, name, h, positions, slides, value_scale, with_sinks):
    tokens, kv_heads, theta = len(positions), KV_HEADS[slides], THETAS[slides]
    query = rotate((h @ w[name + "q_proj.weight"].T).reshape(tokens, HEADS, HEAD), positions, theta)
    key = rotate((h @ w[name + "k_proj.weight"].T).reshape(tokens, kv_heads, HEAD), positions, theta)
    value = (h @ w[name + "v_proj.weight"].T).reshape(tokens, kv_heads, VALUE) * value_scale
    key, value = (np.repeat(x, HEADS // kv_heads, 1) for x in (key, value))
    scores = np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5
    distance = positions[:, None] - positions[None]
    seen = (distance >= 0) & ((distance < WINDOW) | (not slides))
    e = np.exp(np.where(seen, scores, -np.inf))
    total = e.sum(-1, keepdims=True)
    if slides and with_sinks:
        total = total + np.exp(w[name + "attention_sink_bias"])[:, None, None]
    values = np.einsum("hqk,khd->qhd", e / total, value).reshape(tokens, HEADS * VALUE)
    return values @ w[name + "o_proj.weight"].T


def mix(w, name, h):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    scores = sigmoid(logits)
    corrected = scores + w[name + "gate.e_score_correction_bias"]
    chosen = np.argsort(-corrected, -1, kind="stable")[:, :CHOSEN]
    weights = np.take_along_axis(scores, chosen, -1)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20)
    chosen, weights = heaviest_first(chosen, weights)
    outputs = np.stack([swiglu(w, f"{name}experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    output = weighted_sum(outputs, chosen, weights)
    return output, logits, chosen, weights, margin_of(corrected, CHOSEN)


def forward(w, ids, value_scale=VALUE_SCALE, with_sinks=True):
    return decode(
        CONFIG,
        w,
        ids,
        lambda layer, prefix, h, positions: attend(
            w, prefix + "self_attn.", h, positions, SLIDES[layer], value_scale, with_sinks
        ),
        lambda name, h: mix(w, name, h),
    )


def gguf_tensors(w):
    renamed = {
        "self_attn.q_proj.weight": "attn_q.weight",
        "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.attention_sink_bias": "attn_sinks.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
    }
    return named_for_llama(w, renamed)


def effects(w, prompt, logits, routes):
    changes = {"value_scale": {"value_scale": 1}, "sinks": {"with_sinks": False}}
    return {
        f"without_{name}_max_abs_difference": abs(forward(w, prompt, **change)[0] - logits).max()
        for name, change in changes.items()
    }


make(
    CONFIG,
    draw_weights,
    forward,
    ("mimo2", GGUF, gguf_tensors),
    effects,
    "layers that slide, with sinks and heads and rotations of their own, and layers that do not; values narrower"
    " than keys, a third of a head rotated, one dense layer",
)
