"""Makes this golden case: a tiny random Hy3 and what it computes.

Usage: python3 make_hy_v3.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16, but for the corrections, which checkpoints have in float32; everything else is computed from them
in float64 by the formulas of HYV3 in transformers 5, without anything of Moetier. Names are those of the published
checkpoints, which transformers renames. LLAMA is a folder of llama.cpp's libraries, such as
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
    weighted_sum,
)

VOCAB, HIDDEN, LAYERS, DENSE, HEADS, KEY_HEADS, HEAD = 320, 64, 3, 1, 4, 2, 32
EXPERTS, CHOSEN, EXPERT_WIDTH, DENSE_WIDTH = 8, 3, 32, 96
THETA, EPS, ROUTED_SCALE, POSITIONS = 11158840.0, 1e-5, 2.826, 262144
CONFIG = {
    "architectures": ["HYV3ForCausalLM"],
    "bos_token_id": 1,
    "dtype": "bfloat16",
    "enable_attention_fp32_softmax": False,
    "enable_lm_head_fp32": True,
    "enable_moe_fp32_combine": False,
    "eod_token_id": 3,
    "eos_token_id": 2,
    "expert_hidden_dim": EXPERT_WIDTH,
    "moe_intermediate_size": EXPERT_WIDTH,
    "first_k_dense_replace": DENSE,
    "head_dim": HEAD,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "initializer_range": 0.006,
    "intermediate_size": DENSE_WIDTH,
    "max_position_embeddings": POSITIONS,
    "model_type": "hy_v3",
    "moe_router_enable_expert_bias": True,
    "moe_router_use_sigmoid": True,
    "num_attention_heads": HEADS,
    "num_experts": EXPERTS,
    "num_experts_per_tok": CHOSEN,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KEY_HEADS,
    "num_nextn_predict_layers": 1,
    "num_shared_experts": 1,
    "output_router_logits": True,
    "pad_token_id": 0,
    "qk_norm": True,
    "rms_norm_eps": EPS,
    "rope_parameters": {"rope_theta": THETA, "rope_type": "default"},
    "route_norm": True,
    "router_scaling_factor": ROUTED_SCALE,
    "sep_token_id": 4,
    "tie_word_embeddings": False,
    "use_cache": True,
    "use_grouped_mm": False,
    "vocab_size": VOCAB,
}
GGUF = {
    "block_count": LAYERS,
    "context_length": POSITIONS,
    "embedding_length": HIDDEN,
    "feed_forward_length": DENSE_WIDTH,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KEY_HEADS,
    "rope.freq_base": THETA,
    "attention.layer_norm_rms_epsilon": EPS,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_shared_feed_forward_length": EXPERT_WIDTH,
    "expert_weights_norm": True,
    "expert_weights_scale": ROUTED_SCALE,
    "expert_gating_func": 2,
    "vocab_size": VOCAB,
}


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.embed_tokens.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        attention = prefix + "self_attn."
        drawing.norm(prefix + "input_layernorm", HIDDEN)
        drawing.linear(attention + "q_proj", HEADS * HEAD, HIDDEN)
        drawing.linear(attention + "k_proj", KEY_HEADS * HEAD, HIDDEN)
        drawing.linear(attention + "v_proj", KEY_HEADS * HEAD, HIDDEN)
        drawing.linear(attention + "o_proj", HIDDEN, HEADS * HEAD, 1.5)
        drawing.norm(attention + "q_norm", HEAD)
        drawing.norm(attention + "k_norm", HEAD)
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN)
        if layer < DENSE:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH)
            continue
        drawing.linear(prefix + "mlp.router.gate", EXPERTS, HIDDEN)
        drawing.weights[prefix + "mlp.expert_bias"] = drawing.random.normal(0, 0.1, EXPERTS).astype("<f4")
        for expert in range(EXPERTS):
            drawing.swiglu(prefix + f"mlp.experts.{expert}", HIDDEN, EXPERT_WIDTH)
        drawing.swiglu(prefix + "mlp.shared_mlp", HIDDEN, EXPERT_WIDTH)
    drawing.norm("model.norm", HIDDEN)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def rotate(x, positions):
    """Rotates element i of each head of x, [tokens, heads, HEAD], with element i + HEAD / 2."""
    angles = positions[:, None] / THETA ** (np.arange(0, HEAD, 2) / HEAD)[None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def attend(w, name, h, positions):
    def heads(part):
        return (h @ w[name + part + ".weight"].T).reshape(len(positions), -1, HEAD)

    query = rotate(rms_norm(heads("q_proj"), w[name + "q_norm.weight"], EPS), positions)
    key = rotate(rms_norm(heads("k_proj"), w[name + "k_norm.weight"], EPS), positions)
    key, value = (np.repeat(each, HEADS // KEY_HEADS, 1) for each in (key, heads("v_proj")))
    scores = np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), value).reshape(len(positions), HEADS * HEAD)
    return values @ w[name + "o_proj.weight"].T


def mix(w, name, h, corrected):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "router.gate.weight"].T
    scores = sigmoid(logits)
    ranks = scores + w[name + "expert_bias"] * corrected
    chosen = np.argsort(-ranks, -1, kind="stable")[:, :CHOSEN]
    weights = np.take_along_axis(scores, chosen, -1)
    chosen, weights = heaviest_first(chosen, weights)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([swiglu(w, name + f"experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    output = swiglu(w, name + "shared_mlp.", h) + weighted_sum(outputs, chosen, weights)
    return output, logits, chosen, weights, margin_of(ranks, CHOSEN)


def forward(w, ids, corrected=True):
    return decode(
        CONFIG,
        w,
        ids,
        lambda layer, prefix, h, positions: attend(w, prefix + "self_attn.", h, positions),
        lambda name, h: mix(w, name, h, corrected),
    )


def gguf_tensors(w):
    renamed = {
        "self_attn.q_proj.weight": "attn_q.weight",
        "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.q_norm.weight": "attn_q_norm.weight",
        "self_attn.k_norm.weight": "attn_k_norm.weight",
        "mlp.router.gate.weight": "ffn_gate_inp.weight",
        "mlp.expert_bias": "exp_probs_b",
    }
    return named_for_llama(w, renamed, shared="shared_mlp")


def effects(w, prompt, logits, routes):
    plain, plain_routes, _ = forward(w, prompt, corrected=False)
    return {
        "without_correction_max_abs_difference": abs(plain - logits).max(),
        "choices_of_the_correction": sum(
            len(set(row) - set(other))
            for layer, (chosen, _, _) in routes.items()
            for row, other in zip(chosen.tolist(), plain_routes[layer][0].tolist())
        ),
    }


make(
    CONFIG,
    draw_weights,
    forward,
    ("hy_v3", GGUF, gguf_tensors),
    effects,
    "heads that are together wider than the stream, one dense layer, corrections in float32,"
    " names of tensors as checkpoints have them; the layer that guesses more tokens is left out",
)
