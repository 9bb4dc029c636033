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
from golden_case import make, softmax, to_bfloat16  # noqa: E402

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
    random = np.random.default_rng(seed)
    weights = {}

    def linear(name, outputs, inputs, gain=1.0):
        weights[name + ".weight"] = to_bfloat16(random.normal(0, gain / np.sqrt(inputs), (outputs, inputs)))

    def norm(name, size, mean=1.0):
        weights[name + ".weight"] = to_bfloat16(mean + 0.1 * random.normal(size=size))

    def feed_forward(name, width):
        linear(name + ".gate_proj", width, HIDDEN)
        linear(name + ".up_proj", width, HIDDEN)
        linear(name + ".down_proj", HIDDEN, width, 1.5)

    weights["model.embed_tokens.weight"] = to_bfloat16(random.normal(0, 1, (VOCAB, HIDDEN)))
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        norm(prefix + "input_layernorm", HIDDEN)
        norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "self_attn."
        linear(attention + "q_proj", HEADS * HEAD, HIDDEN)
        linear(attention + "k_proj", KEY_HEADS * HEAD, HIDDEN)
        linear(attention + "v_proj", KEY_HEADS * HEAD, HIDDEN, 1.5)
        linear(attention + "o_proj", HIDDEN, HEADS * HEAD)
        norm(attention + "q_norm", HEAD, 1.3)
        norm(attention + "k_norm", HEAD)
        if layer < DENSE:
            feed_forward(prefix + "mlp", DENSE_WIDTH)
            continue
        linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        weights[prefix + "mlp.e_score_correction_bias"] = to_bfloat16(0.1 * random.normal(size=EXPERTS))
        for expert in range(EXPERTS):
            feed_forward(prefix + f"mlp.experts.{expert}", EXPERT_WIDTH)
        feed_forward(prefix + "mlp.shared_experts", EXPERT_WIDTH)
    norm("model.norm", HIDDEN)
    linear("lm_head", VOCAB, HIDDEN)
    return weights


def rms_norm(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * weight


def silu(x):
    return x / (1 + np.exp(-x))


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

    query = rms_norm(heads("q", HEADS), w[name + "q_norm.weight"])
    key = rms_norm(heads("k", KEY_HEADS), w[name + "k_norm.weight"])
    if rotated:
        query, key = rotate(query, positions), rotate(key, positions)
    key, value = (np.repeat(each, HEADS // KEY_HEADS, 1) for each in (key, heads("v", KEY_HEADS)))
    distance = positions[:, None] - positions[None]
    seen = (distance >= 0) & (distance < (WINDOW if slides else tokens))
    scores = np.where(seen[None], np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), value).reshape(tokens, HEADS * HEAD)
    return values @ w[name + "o_proj.weight"].T


def feed_forward(w, name, h):
    hidden = silu(h @ w[name + "gate_proj.weight"].T) * (h @ w[name + "up_proj.weight"].T)
    return hidden @ w[name + "down_proj.weight"].T


def mix(w, name, h):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    scores = 1 / (1 + np.exp(-logits))
    corrected = scores + w[name + "e_score_correction_bias"]
    order = np.argsort(-corrected, -1, kind="stable")
    chosen = order[:, :CHOSEN]
    ordered = np.take_along_axis(corrected, order, -1)
    weights = np.take_along_axis(scores, chosen, -1)
    by_weight = np.argsort(-weights, -1, kind="stable")  # as they are listed
    chosen, weights = (np.take_along_axis(each, by_weight, -1) for each in (chosen, weights))
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([feed_forward(w, name + f"experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    routed = (np.take_along_axis(outputs, chosen[:, :, None], 1) * weights[:, :, None]).sum(1)
    output = feed_forward(w, name + "shared_experts.", h) + routed
    return output, logits, chosen, weights, (ordered[:, CHOSEN - 1] - ordered[:, CHOSEN]).min()


def forward(w, ids, slides=SLIDES, rotated=SLIDES):
    """Returns the logits, what each layer's router chose, and a trace.

    slides, rotated: which layers do so
    """
    positions = np.arange(len(ids))
    x = w["model.embed_tokens.weight"][ids]
    routes, trace = {}, {"embed": x}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        h = rms_norm(x, w[prefix + "input_layernorm.weight"])
        output = attend(w, prefix + "self_attn.", h, positions, slides[layer], rotated[layer])
        trace[f"layer.{layer}.attn_output"] = output
        x = x + output
        h = rms_norm(x, w[prefix + "post_attention_layernorm.weight"])
        if layer < DENSE:
            x = x + feed_forward(w, prefix + "mlp.", h)
        else:
            output, logits, chosen, weights, margin = mix(w, prefix + "mlp.", h)
            routes[layer] = (chosen, weights, margin)
            trace[f"layer.{layer}.moe_input"] = h
            trace[f"layer.{layer}.moe_output"] = output
            trace[f"layer.{layer}.router_logits"] = logits
            x = x + output
        trace[f"layer.{layer}.output"] = x
    trace["final_norm"] = rms_norm(x, w["model.norm.weight"])
    return trace["final_norm"] @ w["lm_head.weight"].T, routes, trace


def gguf_tensors(w):
    tensors = {
        "token_embd.weight": w["model.embed_tokens.weight"],
        "output_norm.weight": w["model.norm.weight"],
        "output.weight": w["lm_head.weight"],
    }
    renamed = {
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm",
    }
    for layer in range(LAYERS):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        for name, short in renamed.items():
            tensors[ours + short + ".weight"] = w[theirs + name + ".weight"]
        mlp = theirs + "mlp."
        if layer >= DENSE:
            tensors[ours + "ffn_gate_inp.weight"] = w[mlp + "gate.weight"]
            tensors[ours + "exp_probs_b.bias"] = w[mlp + "e_score_correction_bias"]
        for part in ("gate", "up", "down"):
            name, end = (mlp, "") if layer < DENSE else (mlp + "shared_experts.", "_shexp")
            tensors[ours + f"ffn_{part}{end}.weight"] = w[name + part + "_proj.weight"]
            if layer >= DENSE:
                each = [w[mlp + f"experts.{expert}.{part}_proj.weight"] for expert in range(EXPERTS)]
                tensors[ours + f"ffn_{part}_exps.weight"] = np.stack(each)
    return tensors


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
