"""Makes this golden case: a tiny random Mistral Small 4 and what it computes.

Usage: python3 make_mistral4.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16; everything else is computed from the rounded weights in float64 by the formulas of Mistral4 in
transformers before July 2026, which leave YaRN's magnitude out of scores, without anything of Moetier. LLAMA is a
folder of llama.cpp's libraries, such as node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 of node-llama-cpp: with
it, llama.cpp computes a GGUF file of the same weights too, and has to agree.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))
from golden_case import (
    Drawing,
    decode,
    make,
    margin_of,
    named_for_llama,
    rms_norm,
    silu,
    softmax,
    swiglu,
    to_bfloat16,
    weighted_sum,
)

VOCAB, HIDDEN, LAYERS, DENSE, HEADS = 320, 64, 3, 1, 4
NOPE, ROPE, VALUE, QUERY_RANK, LATENT = 16, 16, 24, 48, 32
EXPERTS, CHOSEN, EXPERT_WIDTH, DENSE_WIDTH = 8, 2, 32, 96
THETA, FACTOR, ORIGINAL, BETA_FAST, BETA_SLOW, SCALING_BETA = 100.0, 8.0, 16, 32.0, 1.0, 0.5
EPS, ROUTED_SCALE, POSITIONS = 1e-6, 1.5, 128
CONFIG = {
    "architectures": ["Mistral4ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 1,
    "dtype": "bfloat16",
    "eos_token_id": 2,
    "first_k_dense_replace": DENSE,
    "head_dim": NOPE + ROPE,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "initializer_range": 0.02,
    "intermediate_size": DENSE_WIDTH,
    "kv_lora_rank": LATENT,
    "max_position_embeddings": POSITIONS,
    "model_type": "mistral4",
    "moe_intermediate_size": EXPERT_WIDTH,
    "n_group": 1,
    "n_routed_experts": EXPERTS,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
    "num_attention_heads": HEADS,
    "num_experts_per_tok": CHOSEN,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": HEADS,
    "pad_token_id": None,
    "pretraining_tp": 1,
    "q_lora_rank": QUERY_RANK,
    "qk_head_dim": NOPE + ROPE,
    "qk_nope_head_dim": NOPE,
    "qk_rope_head_dim": ROPE,
    "rms_norm_eps": EPS,
    "rope_interleave": True,
    "rope_parameters": {
        "beta_fast": BETA_FAST,
        "beta_slow": BETA_SLOW,
        "factor": FACTOR,
        "llama_4_scaling_beta": SCALING_BETA,
        "max_position_embeddings": POSITIONS,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        "original_max_position_embeddings": ORIGINAL,
        "partial_rotary_factor": 0.5,
        "rope_theta": THETA,
        "rope_type": "yarn",
        "type": "yarn",
    },
    "routed_scaling_factor": ROUTED_SCALE,
    "tie_word_embeddings": False,
    "topk_group": 1,
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
    "attention.head_count_kv": 1,
    "attention.layer_norm_rms_epsilon": EPS,
    "attention.q_lora_rank": QUERY_RANK,
    "attention.kv_lora_rank": LATENT,
    "attention.key_length": LATENT + ROPE,
    "attention.value_length": LATENT,
    "attention.key_length_mla": NOPE + ROPE,
    "attention.value_length_mla": VALUE,
    "attention.temperature_scale": SCALING_BETA,
    "attention.temperature_length": ORIGINAL,
    "vocab_size": VOCAB,
    "expert_feed_forward_length": EXPERT_WIDTH,
    "expert_count": EXPERTS,
    "expert_used_count": CHOSEN,
    "expert_shared_count": 1,
    "expert_weights_scale": ROUTED_SCALE,
    "expert_weights_norm": True,
    "expert_gating_func": 1,
    "leading_dense_block_count": DENSE,
    "rope.dimension_count": ROPE,
    "rope.freq_base": THETA,
    "rope.scaling.type": "yarn",
    "rope.scaling.factor": FACTOR,
    "rope.scaling.original_context_length": ORIGINAL,
    "rope.scaling.yarn_beta_fast": BETA_FAST,
    "rope.scaling.yarn_beta_slow": BETA_SLOW,
    "rope.scaling.attn_factor": 1 / (1 + 0.1 * float(np.log(FACTOR))),  # undoes what llama.cpp takes for YaRN's
}


def draw_weights(seed):
    drawing = Drawing(seed)
    drawing.put("model.embed_tokens.weight", 1, VOCAB, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        drawing.norm(prefix + "input_layernorm", HIDDEN)
        drawing.norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "self_attn."
        drawing.linear(attention + "q_a_proj", QUERY_RANK, HIDDEN)
        drawing.norm(attention + "q_a_layernorm", QUERY_RANK)
        drawing.linear(attention + "q_b_proj", HEADS * (NOPE + ROPE), QUERY_RANK, 1.5)
        drawing.linear(attention + "kv_a_proj_with_mqa", LATENT + ROPE, HIDDEN, 1.3)
        drawing.norm(attention + "kv_a_layernorm", LATENT)
        drawing.linear(attention + "kv_b_proj", HEADS * (NOPE + VALUE), LATENT, 1.3)
        drawing.linear(attention + "o_proj", HIDDEN, HEADS * VALUE)
        if layer < DENSE:
            drawing.swiglu(prefix + "mlp", HIDDEN, DENSE_WIDTH)
            continue
        drawing.linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        experts = prefix + "mlp.experts."
        up = drawing.random.normal(0, 1 / np.sqrt(HIDDEN), (EXPERTS, 2 * EXPERT_WIDTH, HIDDEN))
        down = drawing.random.normal(0, 1.5 / np.sqrt(EXPERT_WIDTH), (EXPERTS, HIDDEN, EXPERT_WIDTH))
        drawing.weights[experts + "gate_up_proj"] = to_bfloat16(up)
        drawing.weights[experts + "down_proj"] = to_bfloat16(down)
        drawing.swiglu(prefix + "mlp.shared_experts", HIDDEN, EXPERT_WIDTH)
    drawing.norm("model.norm", HIDDEN)
    drawing.linear("lm_head", VOCAB, HIDDEN)
    return drawing.weights


def frequencies():
    """YaRN (Peng et al. 2023, arXiv:2309.00071)."""
    periods = THETA ** (np.arange(0, ROPE, 2) / ROPE)

    def pair_of(turns):
        return ROPE * np.log(ORIGINAL / (turns * 2 * np.pi)) / (2 * np.log(THETA))

    low = max(np.floor(pair_of(BETA_FAST)), 0)
    high = min(np.ceil(pair_of(BETA_SLOW)), ROPE - 1)
    high += 0.001 if low == high else 0
    stretched = np.clip((np.arange(ROPE // 2) - low) / (high - low), 0, 1)
    kept = 1 - stretched
    return 1 / (FACTOR * periods) * (1 - kept) + 1 / periods * kept


def rotate(x, positions):
    """Rotates pairs of neighbours of x, [tokens, heads, ROPE]."""
    angles = positions[:, None] * frequencies()[None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.concatenate([even * cos - odd * sin, odd * cos + even * sin], -1)


def attend(w, name, h, positions, temperature):
    tokens = len(positions)
    query = rms_norm(h @ w[name + "q_a_proj.weight"].T, w[name + "q_a_layernorm.weight"], EPS)
    query = (query @ w[name + "q_b_proj.weight"].T).reshape(tokens, HEADS, NOPE + ROPE)
    query = np.concatenate([query[..., :NOPE], rotate(query[..., NOPE:], positions)], -1)
    query = query * temperature[:, None, None]
    latent = h @ w[name + "kv_a_proj_with_mqa.weight"].T
    rotated = rotate(latent[:, None, LATENT:], positions)
    latent = rms_norm(latent[:, :LATENT], w[name + "kv_a_layernorm.weight"], EPS)
    both = (latent @ w[name + "kv_b_proj.weight"].T).reshape(tokens, HEADS, NOPE + VALUE)
    key = np.concatenate([both[..., :NOPE], np.repeat(rotated, HEADS, 1)], -1)
    scores = np.einsum("qhd,khd->hqk", query, key) * (NOPE + ROPE) ** -0.5
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), both[..., NOPE:]).reshape(tokens, HEADS * VALUE)
    return values @ w[name + "o_proj.weight"].T


def mix(w, name, h):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    probabilities = softmax(logits)
    chosen = np.argsort(-probabilities, -1, kind="stable")[:, :CHOSEN]
    weights = np.take_along_axis(probabilities, chosen, -1)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    both = np.einsum("ewh,th->tew", w[name + "experts.gate_up_proj"], h)
    hidden = silu(both[..., :EXPERT_WIDTH]) * both[..., EXPERT_WIDTH:]
    outputs = np.einsum("ehw,tew->teh", w[name + "experts.down_proj"], hidden)
    output = swiglu(w, name + "shared_experts.", h) + weighted_sum(outputs, chosen, weights)
    return output, logits, chosen, weights, margin_of(probabilities, CHOSEN)


def forward(w, ids, beta=SCALING_BETA):
    temperature = 1 + beta * np.log(1 + np.floor(np.arange(len(ids)) / ORIGINAL))
    return decode(
        CONFIG,
        w,
        ids,
        lambda layer, prefix, h, positions: attend(w, prefix + "self_attn.", h, positions, temperature),
        lambda name, h: mix(w, name, h),
    )


def gguf_tensors(w):
    renamed = {
        "self_attn.q_a_proj.weight": "attn_q_a.weight",
        "self_attn.q_a_layernorm.weight": "attn_q_a_norm.weight",
        "self_attn.q_b_proj.weight": "attn_q_b.weight",
        "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
        "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.experts.down_proj": "ffn_down_exps.weight",
    }
    tensors = named_for_llama(w, renamed)
    for layer in range(LAYERS):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        both = w[theirs + "self_attn.kv_b_proj.weight"].reshape(HEADS, NOPE + VALUE, LATENT)
        tensors[ours + "attn_k_b.weight"] = both[:, :NOPE].transpose(0, 2, 1)
        tensors[ours + "attn_v_b.weight"] = both[:, NOPE:]
        if layer >= DENSE:
            both = w[theirs + "mlp.experts.gate_up_proj"]
            tensors[ours + "ffn_gate_exps.weight"] = both[:, :EXPERT_WIDTH]
            tensors[ours + "ffn_up_exps.weight"] = both[:, EXPERT_WIDTH:]
    return tensors


def effects(w, prompt, logits, routes):
    return {"without_temperature_max_abs_difference": abs(forward(w, prompt, 0)[0] - logits).max()}


make(
    CONFIG,
    draw_weights,
    forward,
    ("mistral4", GGUF, gguf_tensors),
    effects,
    "sixteen positions of one temperature, YaRN, one dense layer,"
    " experts in one tensor each as checkpoints have them",
)
