"""Makes this golden case: a tiny random Step-3.5-Flash and what it computes.

Usage: python3 make_step3p5.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16, but for corrections of choices, which are in float32; everything else is computed from them in
float64 by the formulas of the publisher's modelling file, without anything of Moetier. LLAMA is a folder of
llama.cpp's libraries, such as node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 of node-llama-cpp: with it,
llama.cpp computes a GGUF file of the same weights too, and has to agree.
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
    silu,
    to_float32,
    weighted_sum,
)

VOCAB, HIDDEN, LAYERS = 320, 64, 4
SLIDES = [False, True, True, False, True]  # the last is one that guesses further ahead, whose weights are left out
SPARSE = [1, 2, 3]
HEADS, KV_HEADS, THETAS, SHARES = [4, 6], [2, 3], [1000.0, 100.0], [0.5, 1.0]  # of both kinds of layers
HEAD, WINDOW = 16, 8
EXPERTS, CHOSEN, EXPERT_WIDTH, SHARED_WIDTH, DENSE_WIDTH, FACTOR = 8, 2, 32, 48, 96, 1.5
LIMITS, SHARED_LIMITS = [0.0, 0.0, 0.5, 0.75, 0.0], [0.0, 0.0, 0.0, 0.5, 0.0]
EPS, POSITIONS = 1e-5, 128
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 2.0,
    "original_max_position_embeddings": 64,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
}
KINDS = ["full_attention", "sliding_attention"]
CONFIG = {
    "architectures": ["Step3p5ForCausalLM"],
    "att_impl_type": "GQA",
    "attention_other_setting": {
        "attention_type": "sliding_attention",
        "num_attention_heads": HEADS[1],
        "num_attention_groups": KV_HEADS[1],
        "head_dim": HEAD,
        "true_head_dim": HEAD,
    },
    "head_dim": HEAD,
    "hidden_size": HIDDEN,
    "intermediate_size": DENSE_WIDTH,
    "layer_types": [KINDS[slides] for slides in SLIDES],
    "max_position_embeddings": POSITIONS,
    "max_seq_len": POSITIONS,
    "model_type": "step3p5",
    "moe_every_n_layer": 1,
    "moe_intermediate_size": EXPERT_WIDTH,
    "moe_layer_offset": 0,
    "moe_layers_enum": ",".join(map(str, SPARSE)),
    "moe_num_experts": EXPERTS,
    "moe_router_activation": "sigmoid",
    "moe_router_scaling_factor": FACTOR,
    "moe_top_k": CHOSEN,
    "need_fp32_gate": True,
    "norm_expert_weight": True,
    "num_attention_groups": KV_HEADS[0],
    "num_attention_heads": HEADS[0],
    "num_hidden_layers": LAYERS,
    "num_nextn_predict_layers": 1,
    "partial_rotary_factors": [SHARES[slides] for slides in SLIDES],
    "rms_norm_eps": EPS,
    "rope_scaling": LLAMA3,
    "rope_theta": [THETAS[slides] for slides in SLIDES],
    "share_expert_dim": SHARED_WIDTH,
    "sink": False,
    "sliding_window": WINDOW,
    "swiglu_limits": LIMITS,
    "swiglu_limits_shared": SHARED_LIMITS,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "use_head_wise_attn_gate": True,
    "use_mfa": False,
    "use_moe": True,
    "use_moe_router_bias": True,
    "use_qk_norm": True,
    "use_rope_layers": [],
    "vocab_size": VOCAB,
    "yarn_only_types": ["full_attention"],
    "zero_centered": True,
}
GGUF = {
    "block_count": LAYERS,
    "context_length": POSITIONS,
    "embedding_length": HIDDEN,
    "feed_forward_length": DENSE_WIDTH,
    "attention.head_count": [HEADS[slides] for slides in SLIDES[:LAYERS]],
    "attention.head_count_kv": [KV_HEADS[slides] for slides in SLIDES[:LAYERS]],
    "attention.layer_norm_rms_epsilon": EPS,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "attention.sliding_window": WINDOW,
    "attention.sliding_window_pattern": SLIDES[:LAYERS],
    "vocab_size": VOCAB,
    "leading_dense_block_count": SPARSE[0],
    "moe_every_n_layers": 1,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_shared_feed_forward_length": SHARED_WIDTH,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "expert_weights_norm": True,
    "expert_weights_scale": FACTOR,
    "expert_gating_func": 2,
    "rope.freq_base": THETAS[0],
    "rope.freq_base_swa": THETAS[1],
    "swiglu_clamp_exp": LIMITS[:LAYERS],
    "swiglu_clamp_shexp": SHARED_LIMITS[:LAYERS],
}


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.embed_tokens.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        drawing.norm(prefix + "input_layernorm", HIDDEN, 0)
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN, 0)
        attention = prefix + "self_attn."
        heads, kv_heads = HEADS[SLIDES[layer]], KV_HEADS[SLIDES[layer]]
        drawing.linear(attention + "q_proj", heads * HEAD, HIDDEN)
        drawing.linear(attention + "k_proj", kv_heads * HEAD, HIDDEN)
        drawing.linear(attention + "v_proj", kv_heads * HEAD, HIDDEN, 1.5)
        drawing.linear(attention + "o_proj", HIDDEN, heads * HEAD, 1.5)
        drawing.linear(attention + "g_proj", heads, HIDDEN, 1.5)
        drawing.norm(attention + "q_norm", HEAD, 0.5)
        drawing.norm(attention + "k_norm", HEAD, 0.5)
        if layer not in SPARSE:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH)
            continue
        drawing.linear(prefix + "moe.gate", EXPERTS, HIDDEN, 1.5)
        drawing.weights[prefix + "moe.router_bias"] = drawing.random.normal(0, 0.1, EXPERTS).astype("<f4")
        drawing.put(prefix + "moe.gate_proj.weight", HIDDEN**-0.5, EXPERTS, EXPERT_WIDTH, HIDDEN)
        drawing.put(prefix + "moe.up_proj.weight", HIDDEN**-0.5, EXPERTS, EXPERT_WIDTH, HIDDEN)
        drawing.put(prefix + "moe.down_proj.weight", 2 * EXPERT_WIDTH**-0.5, EXPERTS, HIDDEN, EXPERT_WIDTH)
        drawing.swiglu(prefix + "share_expert", HIDDEN, SHARED_WIDTH)
    drawing.norm("model.norm", HIDDEN, 0)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def divisors(rotary):
    """Returns by what llama3 divides the frequencies of so many elements of a head, for layers that see all."""
    wavelengths = 2 * np.pi * THETAS[0] ** (np.arange(0, rotary, 2) / rotary)
    low, high = LLAMA3["low_freq_factor"], LLAMA3["high_freq_factor"]
    share = np.clip((LLAMA3["original_max_position_embeddings"] / wavelengths - low) / (high - low), 0, 1)
    return 1 / (share + (1 - share) / LLAMA3["factor"])


def rotate(x, positions, slides, changes):
    """Rotates the first elements of x, [tokens, heads, HEAD], an element of each half together."""
    rotary = int(HEAD * SHARES[slides])
    frequencies = THETAS[slides] ** (-np.arange(0, rotary, 2) / rotary)
    if not slides:
        frequencies = frequencies / changes.get("divisors", divisors(rotary))
    angles = positions[:, None] * frequencies
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., : rotary // 2], x[..., rotary // 2 : rotary]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin, x[..., rotary:]], -1)


def attend(w, name, h, positions, slides, changes):
    tokens, heads, kv_heads = len(positions), HEADS[slides], KV_HEADS[slides]
    query = rms_norm((h @ w[name + "q_proj.weight"].T).reshape(tokens, heads, HEAD), w[name + "q_norm.weight"], EPS)
    key = rms_norm((h @ w[name + "k_proj.weight"].T).reshape(tokens, kv_heads, HEAD), w[name + "k_norm.weight"], EPS)
    value = (h @ w[name + "v_proj.weight"].T).reshape(tokens, kv_heads, HEAD)
    query, key = (rotate(x, positions, slides, changes) for x in (query, key))
    key, value = (np.repeat(x, heads // kv_heads, 1) for x in (key, value))
    scores = np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5
    distance = positions[:, None] - positions[None]
    seen = (distance >= 0) & ((distance < WINDOW) | (not slides))
    e = np.exp(np.where(seen, scores, -np.inf))
    values = np.einsum("hqk,khd->qhd", e / e.sum(-1, keepdims=True), value)
    values = values * changes.get("gate", sigmoid)(h @ w[name + "g_proj.weight"].T)[..., None]
    return values.reshape(tokens, heads * HEAD) @ w[name + "o_proj.weight"].T


def capped(gate, up, limit):
    return np.minimum(silu(gate), limit) * np.clip(up, -limit, limit)


def limited_before(gate, up, limit):
    return silu(np.minimum(gate, limit)) * np.clip(up, -limit, limit)


def network(w, name, h, limit, changes, expert=()):
    gate, up, down = (w[f"{name}{part}_proj.weight"][expert] for part in ("gate", "up", "down"))
    return changes.get("activation", capped)(h @ gate.T, h @ up.T, limit or np.inf) @ down.T


def mix(w, prefix, layer, h, changes):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[prefix + "moe.gate.weight"].T
    scores = sigmoid(logits)
    corrected = scores + w[prefix + "moe.router_bias"]
    chosen = np.argsort(-corrected, -1, kind="stable")[:, :CHOSEN]
    weights = np.take_along_axis(scores, chosen, -1)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * FACTOR
    chosen, weights = heaviest_first(chosen, weights)
    outputs = [network(w, prefix + "moe.", h, LIMITS[layer], changes, expert) for expert in range(EXPERTS)]
    output = weighted_sum(np.stack(outputs, 1), chosen, weights)
    output = output + network(w, prefix + "share_expert.", h, SHARED_LIMITS[layer], changes)
    return output, logits, chosen, weights, margin_of(corrected, CHOSEN)


def forward(w, ids, **changes):
    w = {name: values + 1 if name.endswith("norm.weight") else values for name, values in w.items()}
    return decode(
        CONFIG,
        w,
        ids,
        lambda layer, prefix, h, positions: attend(w, prefix + "self_attn.", h, positions, SLIDES[layer], changes),
        lambda name, h: mix(w, name.removesuffix("mlp."), int(name.split(".")[2]), h, changes),
    )


def gguf_tensors(w):
    """Those of rope_freqs are of layers that see all: llama.cpp reads as many as a layer has pairs."""
    renamed = {f"self_attn.{part}_proj.weight": f"attn_{part}.weight" for part in "qkv"} | {
        "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.g_proj.weight": "attn_gate.weight",
        "self_attn.q_norm.weight": "attn_q_norm.weight",
        "self_attn.k_norm.weight": "attn_k_norm.weight",
        "moe.gate.weight": "ffn_gate_inp.weight",
        "moe.router_bias": "exp_probs_b.bias",
    }
    for part in ("gate", "up", "down"):
        renamed[f"moe.{part}_proj.weight"] = f"ffn_{part}_exps.weight"
        renamed[f"share_expert.{part}_proj.weight"] = f"ffn_{part}_shexp.weight"
    tensors = {
        name: to_float32(values) + np.float32(1) if name.endswith("norm.weight") else values
        for name, values in named_for_llama(w, renamed).items()
    }
    factors = np.ones(HEAD // 2, "<f4")
    factors[: HEAD // 4] = divisors(HEAD // 2)
    return tensors | {"rope_freqs.weight": factors}


def effects(w, prompt, logits, routes):
    changes = {
        "without_gates": {"gate": np.ones_like},
        "without_limits": {"activation": lambda gate, up, limit: silu(gate) * up},
        "limits_before_silu": {"activation": limited_before},
        "without_llama3": {"divisors": np.ones(HEAD // 4)},
        "divisors_of_whole_heads": {"divisors": divisors(HEAD)[: HEAD // 4]},  # what llama.cpp's converter writes
    }
    return {
        f"{name}_max_abs_difference": abs(forward(w, prompt, **change)[0] - logits).max()
        for name, change in changes.items()
    }


make(
    CONFIG,
    draw_weights,
    forward,
    ("step35", GGUF, gguf_tensors),
    effects,
    "layers that slide, with heads and rotations of their own, and layers that do not, of which half a head is rotated,"
    " by frequencies of llama3; a gate for each head, norms around 1, SwiGLU limited behind its SiLU in some layers,"
    " for routed and shared experts alike or not; one dense layer; lists that go on behind the layers",
    of="the publisher's modelling file",
)
