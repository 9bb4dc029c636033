"""Makes this golden case: a tiny random Kimi Linear and what it computes.

Usage: python3 make_kimi_linear.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16, but for rates, biases of steps and corrections, which checkpoints have in float32; everything else
is computed from them in float64 by the formulas of KimiLinear in modeling_kimi.py, as Moonshot AI publishes it, and of
the recurrence of flash-linear-attention that it calls, without anything of Moetier. Names are those of the published
checkpoints. LLAMA is a folder of llama.cpp's libraries, such as
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
    silu,
    softmax,
    swiglu,
    to_float32,
    weighted_sum,
)

VOCAB, HIDDEN, LAYERS, DENSE, HEADS, EPS, POSITIONS = 320, 64, 3, 1, 4, 1e-5, 1048576
DELTA_LAYERS, FULL_LAYERS, DELTA, TAPS = [1, 3], [2], 24, 4  # layers are counted from 1
LATENT, PLAIN, SHARED, VALUE, LATENT_EPS = 24, 16, 8, 12, 1e-6
EXPERTS, CHOSEN, GROUPS, KEPT, EXPERT_WIDTH, DENSE_WIDTH, ROUTED_SCALE = 8, 3, 1, 1, 32, 96, 2.446
CONFIG = {
    "architectures": ["KimiLinearForCausalLM"],
    "bos_token_id": 1,
    "dtype": "bfloat16",
    "eos_token_id": 2,
    "first_k_dense_replace": DENSE,
    "head_dim": HIDDEN // HEADS,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "initializer_range": 0.02,
    "intermediate_size": DENSE_WIDTH,
    "kv_lora_rank": LATENT,
    "linear_attn_config": {
        "full_attn_layers": FULL_LAYERS,
        "head_dim": DELTA,
        "kda_layers": DELTA_LAYERS,
        "num_heads": HEADS,
        "short_conv_kernel_size": TAPS,
    },
    "mla_use_nope": True,
    "model_max_length": POSITIONS,
    "model_type": "kimi_linear",
    "moe_intermediate_size": EXPERT_WIDTH,
    "moe_layer_freq": 1,
    "moe_renormalize": True,
    "moe_router_activation_func": "sigmoid",
    "num_attention_heads": HEADS,
    "num_expert_group": GROUPS,
    "num_experts": EXPERTS,
    "num_experts_per_token": CHOSEN,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": HEADS,
    "num_nextn_predict_layers": 0,
    "num_shared_experts": 1,
    "pad_token_id": 0,
    "q_lora_rank": None,
    "qk_nope_head_dim": PLAIN,
    "qk_rope_head_dim": SHARED,
    "rms_norm_eps": EPS,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "routed_scaling_factor": ROUTED_SCALE,
    "tie_word_embeddings": False,
    "topk_group": KEPT,
    "use_cache": True,
    "use_grouped_topk": True,
    "v_head_dim": VALUE,
    "vocab_size": VOCAB,
}
GGUF = {
    "block_count": LAYERS,
    "context_length": POSITIONS,
    "embedding_length": HIDDEN,
    "feed_forward_length": DENSE_WIDTH,
    "attention.head_count": HEADS,
    "attention.head_count_kv": [int(layer + 1 in FULL_LAYERS) for layer in range(LAYERS)],
    "attention.layer_norm_rms_epsilon": EPS,
    "attention.kv_lora_rank": LATENT,
    "attention.key_length": LATENT + SHARED,
    "attention.value_length": HIDDEN // HEADS,
    "attention.key_length_mla": PLAIN + SHARED,
    "attention.value_length_mla": VALUE,
    "rope.dimension_count": SHARED,
    "rope.freq_base": 10000.0,
    "ssm.conv_kernel": TAPS,
    "kda.head_dim": DELTA,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_shared_count": 1,
    "expert_weights_scale": ROUTED_SCALE,
    "expert_gating_func": 2,
    "leading_dense_block_count": DENSE,
    "vocab_size": VOCAB,
}


def draw_delta(drawing, name):
    for part in ("q", "k", "v"):
        drawing.linear(f"{name}{part}_proj", HEADS * DELTA, HIDDEN)
        drawing.put(f"{name}{part}_conv1d.weight", 0.6, HEADS * DELTA, 1, TAPS)
    for part in ("f", "g"):
        drawing.linear(f"{name}{part}_a_proj", DELTA, HIDDEN)
        drawing.linear(f"{name}{part}_b_proj", HEADS * DELTA, DELTA, 1.5)
    drawing.weights[name + "A_log"] = np.log(drawing.random.uniform(1, 4, (1, 1, HEADS, 1))).astype("<f4")
    drawing.weights[name + "dt_bias"] = drawing.random.normal(-2.5, 1, HEADS * DELTA).astype("<f4")
    drawing.linear(name + "b_proj", HEADS, HIDDEN)
    drawing.norm(name + "o_norm", DELTA)
    drawing.linear(name + "o_proj", HIDDEN, HEADS * DELTA, 2)


def draw_latents(drawing, name):
    drawing.linear(name + "q_proj", HEADS * (PLAIN + SHARED), HIDDEN, 1.5)
    drawing.linear(name + "kv_a_proj_with_mqa", LATENT + SHARED, HIDDEN)
    drawing.norm(name + "kv_a_layernorm", LATENT)
    drawing.linear(name + "kv_b_proj", HEADS * (PLAIN + VALUE), LATENT)
    drawing.linear(name + "o_proj", HIDDEN, HEADS * VALUE, 1.5)


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.embed_tokens.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        drawing.norm(prefix + "input_layernorm", HIDDEN)
        (draw_delta if layer + 1 in DELTA_LAYERS else draw_latents)(drawing, prefix + "self_attn.")
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN)
        if layer < DENSE:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH)
            continue
        mixture = prefix + "block_sparse_moe."
        drawing.linear(mixture + "gate", EXPERTS, HIDDEN)
        drawing.weights[mixture + "gate.e_score_correction_bias"] = drawing.random.normal(0, 0.1, EXPERTS).astype("<f4")
        for expert in range(EXPERTS):
            drawing.linear(mixture + f"experts.{expert}.w1", EXPERT_WIDTH, HIDDEN)
            drawing.linear(mixture + f"experts.{expert}.w2", HIDDEN, EXPERT_WIDTH)
            drawing.linear(mixture + f"experts.{expert}.w3", EXPERT_WIDTH, HIDDEN)
        drawing.swiglu(mixture + "shared_experts", HIDDEN, EXPERT_WIDTH)
    drawing.norm("model.norm", HIDDEN)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def convolve(x, taps):
    """Each channel of x, [tokens, channels], with its own taps, [channels, 1, TAPS], the last of which is of the token."""
    before = np.concatenate([np.zeros((TAPS - 1, x.shape[1])), x])
    return silu(sum(before[tap : tap + len(x)] * taps[:, 0, tap] for tap in range(TAPS)))


def of_length_one(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True) + 1e-6)


def attend_by_delta(w, name, h, by_channel):
    """Kimi Delta Attention: each element of a key has a decay of its own, or those of a head their mean."""
    tokens = len(h)

    def heads(x):
        return x.reshape(tokens, HEADS, DELTA)

    def low_rank(part):
        return heads(h @ w[f"{name}{part}_a_proj.weight"].T @ w[f"{name}{part}_b_proj.weight"].T)

    query, key, value = (
        heads(convolve(h @ w[f"{name}{part}_proj.weight"].T, w[f"{name}{part}_conv1d.weight"])) for part in "qkv"
    )
    query, key = of_length_one(query) * DELTA**-0.5, of_length_one(key)
    steps = np.logaddexp(0, low_rank("f") + w[name + "dt_bias"].reshape(HEADS, DELTA))
    decays = np.exp(-np.exp(w[name + "A_log"].reshape(HEADS, 1)) * steps)
    if not by_channel:
        decays = np.broadcast_to(decays.mean(-1, keepdims=True), decays.shape)
    strengths = sigmoid(h @ w[name + "b_proj.weight"].T)
    state, results = np.zeros((HEADS, DELTA, DELTA)), np.zeros((tokens, HEADS, DELTA))
    for t in range(tokens):
        state = state * decays[t][:, :, None]
        missing = value[t] - np.einsum("hkv,hk->hv", state, key[t])
        state = state + np.einsum("hk,hv->hkv", key[t], strengths[t][:, None] * missing)
        results[t] = np.einsum("hkv,hk->hv", state, query[t])
    results = rms_norm(results, w[name + "o_norm.weight"], EPS) * sigmoid(low_rank("g"))
    return results.reshape(tokens, HEADS * DELTA) @ w[name + "o_proj.weight"].T


def attend_to_latents(w, name, h, positions):
    """What DeepSeek rotates is not rotated, and shared by the heads all the same."""
    tokens = len(h)
    query = (h @ w[name + "q_proj.weight"].T).reshape(tokens, HEADS, PLAIN + SHARED)
    latent, shared = np.split(h @ w[name + "kv_a_proj_with_mqa.weight"].T, [LATENT], -1)
    latent = rms_norm(latent, w[name + "kv_a_layernorm.weight"], LATENT_EPS)
    both = (latent @ w[name + "kv_b_proj.weight"].T).reshape(tokens, HEADS, PLAIN + VALUE)
    key = np.concatenate([both[..., :PLAIN], np.repeat(shared[:, None], HEADS, 1)], -1)
    scores = np.einsum("qhd,khd->hqk", query, key) * (PLAIN + SHARED) ** -0.5
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), both[..., PLAIN:])
    return values.reshape(tokens, HEADS * VALUE) @ w[name + "o_proj.weight"].T


def expert_output(w, name, h):
    hidden = silu(h @ w[name + "w1.weight"].T) * (h @ w[name + "w3.weight"].T)
    return hidden @ w[name + "w2.weight"].T


def mix(w, name, h):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    scores = sigmoid(logits)
    ranks = scores + w[name + "gate.e_score_correction_bias"]
    chosen = np.argsort(-ranks, -1, kind="stable")[:, :CHOSEN]
    chosen, weights = heaviest_first(chosen, np.take_along_axis(scores, chosen, -1))
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    outputs = np.stack([expert_output(w, name + f"experts.{expert}.", h) for expert in range(EXPERTS)], 1)
    output = weighted_sum(outputs, chosen, weights) + swiglu(w, name + "shared_experts.", h)
    return output, logits, chosen, weights, margin_of(ranks, CHOSEN)


def forward(w, ids, by_channel=True):
    def attend(layer, prefix, h, positions):
        if layer + 1 in DELTA_LAYERS:
            return attend_by_delta(w, prefix + "self_attn.", h, by_channel)
        return attend_to_latents(w, prefix + "self_attn.", h, positions)

    return decode(CONFIG, w, ids, attend, lambda name, h: mix(w, name.replace(".mlp.", ".block_sparse_moe."), h))


def gguf_tensors(weights):
    renamed = {
        "self_attn.q_proj.weight": "attn_q.weight",
        "self_attn.k_proj.weight": "attn_k.weight",
        "self_attn.v_proj.weight": "attn_v.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.f_a_proj.weight": "ssm_f_a.weight",
        "self_attn.f_b_proj.weight": "ssm_f_b.weight",
        "self_attn.g_a_proj.weight": "ssm_g_a.weight",
        "self_attn.g_b_proj.weight": "ssm_g_b.weight",
        "self_attn.b_proj.weight": "ssm_beta.weight",
        "self_attn.dt_bias": "ssm_dt.bias",
        "self_attn.A_log": "ssm_a",
        "self_attn.q_conv1d.weight": "ssm_conv1d_q.weight",
        "self_attn.k_conv1d.weight": "ssm_conv1d_k.weight",
        "self_attn.v_conv1d.weight": "ssm_conv1d_v.weight",
        "self_attn.o_norm.weight": "ssm_norm.weight",
        "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
        "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight",
        "self_attn.k_b": "attn_k_b.weight",
        "self_attn.v_b": "attn_v_b.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
    }
    w = {}
    for name, values in weights.items():
        if name.endswith("A_log"):
            values = -np.exp(values)
        elif name.endswith("conv1d.weight"):
            values = values[None]
        elif name.endswith("kv_b_proj.weight"):
            keys, others = np.split(to_float32(values).reshape(HEADS, PLAIN + VALUE, LATENT), [PLAIN], 1)
            w[name.replace("kv_b_proj.weight", "k_b")] = keys.transpose(0, 2, 1)
            w[name.replace("kv_b_proj.weight", "v_b")] = others
        for theirs, ours in ((".w1.", ".gate_proj."), (".w2.", ".down_proj."), (".w3.", ".up_proj.")):
            name = name.replace(theirs, ours)
        w[name.replace(".block_sparse_moe.", ".mlp.")] = values
    return named_for_llama(w, renamed)


def effects(w, prompt, logits, routes):
    by_head, _, _ = forward(w, prompt, by_channel=False)
    first = "model.layers.0.self_attn."
    return {
        "rates": [float(f"{rate:.4g}") for rate in np.exp(w[first + "A_log"]).ravel()],
        "one_decay_for_each_head_max_abs_difference": abs(by_head - logits).max(),
    }


make(
    CONFIG,
    draw_weights,
    forward,
    ("kimi-linear", GGUF, gguf_tensors),
    effects,
    "layers counted from 1, one dense layer, a delta rule whose decay is one number for each element of a key, latent"
    " attention without rotation, norms of latents with 1e-6 where others have 1e-5, experts called w1 to w3; rates,"
    " biases of steps and corrections in float32; names of tensors as checkpoints have them",
    of="KimiLinear in modeling_kimi.py",
)
