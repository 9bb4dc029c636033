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
from golden_case import make, softmax, to_bfloat16  # noqa: E402

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
    random = np.random.default_rng(seed)
    weights = {}

    def linear(name, outputs, inputs, gain=1.0):
        weights[name + ".weight"] = to_bfloat16(random.normal(0, gain / np.sqrt(inputs), (outputs, inputs)))

    def norm(name, size):
        weights[name + ".weight"] = to_bfloat16(1 + 0.1 * random.normal(size=size))

    def feed_forward(name, width, gain=1.0):
        linear(name + ".gate_proj", width, HIDDEN)
        linear(name + ".up_proj", width, HIDDEN)
        linear(name + ".down_proj", HIDDEN, width, gain)

    weights["model.word_embeddings.weight"] = to_bfloat16(random.normal(0, 1, (VOCAB, HIDDEN)))
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        norm(prefix + "input_layernorm", HIDDEN)
        norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "attention."
        linear(attention + "query_key_value", (HEADS + 2 * KEY_HEADS) * HEAD, HIDDEN)
        norm(attention + "query_layernorm", HEAD)
        norm(attention + "key_layernorm", HEAD)
        linear(attention + "dense", HIDDEN, HEADS * HEAD)
        if layer < DENSE:
            feed_forward(prefix + "mlp", DENSE_WIDTH)
            continue
        linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        weights[prefix + "mlp.gate.expert_bias"] = random.normal(-0.5, 0.2, EXPERTS).astype("<f4")
        for expert in range(EXPERTS):
            feed_forward(prefix + f"mlp.experts.{expert}", EXPERT_WIDTH, 1.5)
        feed_forward(prefix + "mlp.shared_experts", EXPERT_WIDTH)
    norm("model.norm", HIDDEN)
    linear("lm_head", VOCAB, HIDDEN)
    return weights


def rms_norm(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * weight


def silu(x):
    return x / (1 + np.exp(-x))


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
    query = rotate(rms_norm(query, w[name + "query_layernorm.weight"]), positions)
    key = rotate(rms_norm(key, w[name + "key_layernorm.weight"]), positions)
    key, value = (np.repeat(each, HEADS // KEY_HEADS, 1) for each in (key, value))
    scores = np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), value).reshape(tokens, HEADS * HEAD)
    return values @ w[name + "dense.weight"].T


def feed_forward(w, name, h):
    hidden = silu(h @ w[name + "gate_proj.weight"].T) * (h @ w[name + "up_proj.weight"].T)
    return hidden @ w[name + "down_proj.weight"].T


def margin_of(values, chosen):
    """Returns how much less the next one is than the last of so many that are chosen."""
    ordered = -np.sort(-values, -1)
    return (ordered[:, chosen - 1] - ordered[:, chosen]).min()


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
    scores = 1 / (1 + np.exp(-logits))
    chosen, margin = choose(scores + w[name + "gate.expert_bias"], others)
    weights = np.take_along_axis(scores, chosen, -1)
    order = np.argsort(-weights, -1, kind="stable")
    chosen, weights = np.take_along_axis(chosen, order, -1), np.take_along_axis(weights, order, -1)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([feed_forward(w, f"{name}experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    routed = (np.take_along_axis(outputs, chosen[:, :, None], 1) * weights[:, :, None]).sum(1)
    output = feed_forward(w, name + "shared_experts.", h) + routed
    return output, logits, chosen, weights, margin


def forward(w, ids, others=-np.inf):
    """Returns the logits, what each layer's router chose, and a trace."""
    positions = np.arange(len(ids))
    x = w["model.word_embeddings.weight"][ids]
    routes, trace = {}, {"embed": x}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        h = rms_norm(x, w[prefix + "input_layernorm.weight"])
        output = attend(w, prefix + "attention.", h, positions)
        trace[f"layer.{layer}.attn_output"] = output
        x = x + output
        h = rms_norm(x, w[prefix + "post_attention_layernorm.weight"])
        if layer < DENSE:
            x = x + feed_forward(w, prefix + "mlp.", h)
        else:
            output, logits, chosen, weights, margin = mix(w, prefix + "mlp.", h, others)
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
        "token_embd.weight": w["model.word_embeddings.weight"],
        "output_norm.weight": w["model.norm.weight"],
        "output.weight": w["lm_head.weight"],
    }
    renamed = {
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "attention.query_key_value": "attn_qkv",
        "attention.query_layernorm": "attn_q_norm",
        "attention.key_layernorm": "attn_k_norm",
        "attention.dense": "attn_output",
    }
    for layer in range(LAYERS):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        for name, short in renamed.items():
            tensors[ours + short + ".weight"] = w[theirs + name + ".weight"]
        mlp = theirs + "mlp."
        if layer >= DENSE:
            tensors[ours + "ffn_gate_inp.weight"] = w[mlp + "gate.weight"]
            tensors[ours + "exp_probs_b.bias"] = w[mlp + "gate.expert_bias"]
        for part in ("gate", "up", "down"):
            end = f".{part}_proj.weight" if layer >= DENSE else f"{part}_proj.weight"
            if layer < DENSE:
                tensors[ours + f"ffn_{part}.weight"] = w[mlp + end]
                continue
            tensors[ours + f"ffn_{part}_shexp.weight"] = w[mlp + "shared_experts" + end]
            experts = [w[mlp + f"experts.{expert}" + end] for expert in range(EXPERTS)]
            tensors[ours + f"ffn_{part}_exps.weight"] = np.stack(experts)
    return tensors


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
