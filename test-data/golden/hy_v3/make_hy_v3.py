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
from golden_case import make, sigmoid, softmax, to_bfloat16  # noqa: E402

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
    random = np.random.default_rng(seed)
    weights = {}

    def linear(name, outputs, inputs, gain=1.0):
        weights[name + ".weight"] = to_bfloat16(random.normal(0, gain / np.sqrt(inputs), (outputs, inputs)))

    def norm(name, size):
        weights[name + ".weight"] = to_bfloat16(1 + 0.1 * random.normal(size=size))

    def feed_forward(name, width):
        linear(name + ".gate_proj", width, HIDDEN)
        linear(name + ".up_proj", width, HIDDEN)
        linear(name + ".down_proj", HIDDEN, width)

    weights["model.embed_tokens.weight"] = to_bfloat16(random.normal(size=(VOCAB, HIDDEN)))
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        attention = prefix + "self_attn."
        norm(prefix + "input_layernorm", HIDDEN)
        linear(attention + "q_proj", HEADS * HEAD, HIDDEN)
        linear(attention + "k_proj", KEY_HEADS * HEAD, HIDDEN)
        linear(attention + "v_proj", KEY_HEADS * HEAD, HIDDEN)
        linear(attention + "o_proj", HIDDEN, HEADS * HEAD, 1.5)
        norm(attention + "q_norm", HEAD)
        norm(attention + "k_norm", HEAD)
        norm(prefix + "post_attention_layernorm", HIDDEN)
        if layer < DENSE:
            feed_forward(prefix + "mlp", DENSE_WIDTH)
            continue
        linear(prefix + "mlp.router.gate", EXPERTS, HIDDEN)
        weights[prefix + "mlp.expert_bias"] = random.normal(0, 0.1, EXPERTS).astype("<f4")
        for expert in range(EXPERTS):
            feed_forward(prefix + f"mlp.experts.{expert}", EXPERT_WIDTH)
        feed_forward(prefix + "mlp.shared_mlp", EXPERT_WIDTH)
    norm("model.norm", HIDDEN)
    linear("lm_head", VOCAB, HIDDEN)
    return weights


def rms_norm(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * weight


def rotate(x, positions):
    """Rotates element i of each head of x, [tokens, heads, HEAD], with element i + HEAD / 2."""
    angles = positions[:, None] / THETA ** (np.arange(0, HEAD, 2) / HEAD)[None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def attend(w, name, h, positions):
    def heads(part):
        return (h @ w[name + part + ".weight"].T).reshape(len(positions), -1, HEAD)

    query = rotate(rms_norm(heads("q_proj"), w[name + "q_norm.weight"]), positions)
    key = rotate(rms_norm(heads("k_proj"), w[name + "k_norm.weight"]), positions)
    key, value = (np.repeat(each, HEADS // KEY_HEADS, 1) for each in (key, heads("v_proj")))
    scores = np.einsum("qhd,khd->hqk", query, key) * HEAD**-0.5
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), value).reshape(len(positions), HEADS * HEAD)
    return values @ w[name + "o_proj.weight"].T


def feed_forward(w, name, h):
    gate = h @ w[name + "gate_proj.weight"].T
    return (gate * sigmoid(gate) * (h @ w[name + "up_proj.weight"].T)) @ w[name + "down_proj.weight"].T


def mix(w, name, h, corrected):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "router.gate.weight"].T
    scores = sigmoid(logits)
    ranks = scores + w[name + "expert_bias"] * corrected
    chosen = np.argsort(-ranks, -1, kind="stable")[:, :CHOSEN]
    ordered = -np.sort(-ranks, -1)
    weights = np.take_along_axis(scores, chosen, -1)
    heaviest_first = np.argsort(-weights, -1, kind="stable")
    chosen, weights = (np.take_along_axis(each, heaviest_first, -1) for each in (chosen, weights))
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([feed_forward(w, name + f"experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    routed = (np.take_along_axis(outputs, chosen[:, :, None], 1) * weights[:, :, None]).sum(1)
    output = feed_forward(w, name + "shared_mlp.", h) + routed
    return output, logits, chosen, weights, (ordered[:, CHOSEN - 1] - ordered[:, CHOSEN]).min()


def forward(w, ids, corrected=True):
    """Returns the logits, what each layer's router chose, and a trace."""
    positions = np.arange(len(ids))
    x = w["model.embed_tokens.weight"][ids]
    routes, trace = {}, {"embed": x}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        h = rms_norm(x, w[prefix + "input_layernorm.weight"])
        output = attend(w, prefix + "self_attn.", h, positions)
        trace[f"layer.{layer}.attn_output"] = output
        x = x + output
        h = rms_norm(x, w[prefix + "post_attention_layernorm.weight"])
        if layer < DENSE:
            x = x + feed_forward(w, prefix + "mlp.", h)
        else:
            output, logits, chosen, weights, margin = mix(w, prefix + "mlp.", h, corrected)
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
            tensors[ours + "ffn_gate_inp.weight"] = w[mlp + "router.gate.weight"]
            tensors[ours + "exp_probs_b"] = w[mlp + "expert_bias"]
        for part in ("gate", "up", "down"):
            name, end = (mlp, "") if layer < DENSE else (mlp + "shared_mlp.", "_shexp")
            tensors[ours + f"ffn_{part}{end}.weight"] = w[name + part + "_proj.weight"]
            if layer >= DENSE:
                all_experts = [w[mlp + f"experts.{expert}.{part}_proj.weight"] for expert in range(EXPERTS)]
                tensors[ours + f"ffn_{part}_exps.weight"] = np.stack(all_experts)
    return tensors


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
