"""Makes this golden case: a tiny random Mistral Small 4 and what it computes.

Usage: python3 make_mistral4.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16; everything else is computed from the rounded weights in float64 by the formulas of Mistral4 in
transformers 5, without anything of Moetier. LLAMA is a folder of llama.cpp's libraries, such as
node_modules/@node-llama-cpp/linux-x64/bins/linux-x64 of node-llama-cpp: with it, llama.cpp computes a GGUF file of the
same weights too, and has to agree.
"""

import ctypes
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np

PROMPT, GENERATED = 28, 24
ROUTER_MARGIN = 1e-3  # between the probabilities of the second and the third expert
LOGIT_MARGIN = 0.02  # between the best and the second token
AGREEMENT = 5e-5  # of llama.cpp, which computes in float32
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


def to_bfloat16(values):
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def to_float32(bfloat16):
    return (bfloat16.astype("<u4") << 16).view("<f4")


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

    weights["model.embed_tokens.weight"] = to_bfloat16(random.normal(0, 1, (VOCAB, HIDDEN)))
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        norm(prefix + "input_layernorm", HIDDEN)
        norm(prefix + "post_attention_layernorm", HIDDEN)
        attention = prefix + "self_attn."
        linear(attention + "q_a_proj", QUERY_RANK, HIDDEN)
        norm(attention + "q_a_layernorm", QUERY_RANK)
        linear(attention + "q_b_proj", HEADS * (NOPE + ROPE), QUERY_RANK, 1.5)
        linear(attention + "kv_a_proj_with_mqa", LATENT + ROPE, HIDDEN, 1.3)
        norm(attention + "kv_a_layernorm", LATENT)
        linear(attention + "kv_b_proj", HEADS * (NOPE + VALUE), LATENT, 1.3)
        linear(attention + "o_proj", HIDDEN, HEADS * VALUE)
        if layer < DENSE:
            feed_forward(prefix + "mlp", DENSE_WIDTH)
            continue
        linear(prefix + "mlp.gate", EXPERTS, HIDDEN, 1.5)
        experts = prefix + "mlp.experts."
        up = random.normal(0, 1 / np.sqrt(HIDDEN), (EXPERTS, 2 * EXPERT_WIDTH, HIDDEN))
        down = random.normal(0, 1.5 / np.sqrt(EXPERT_WIDTH), (EXPERTS, HIDDEN, EXPERT_WIDTH))
        weights[experts + "gate_up_proj"] = to_bfloat16(up)
        weights[experts + "down_proj"] = to_bfloat16(down)
        feed_forward(prefix + "mlp.shared_experts", EXPERT_WIDTH)
    norm("model.norm", HIDDEN)
    linear("lm_head", VOCAB, HIDDEN)
    return weights


def rms_norm(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS) * weight


def silu(x):
    return x / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


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
    query = rms_norm(h @ w[name + "q_a_proj.weight"].T, w[name + "q_a_layernorm.weight"])
    query = (query @ w[name + "q_b_proj.weight"].T).reshape(tokens, HEADS, NOPE + ROPE)
    query = np.concatenate([query[..., :NOPE], rotate(query[..., NOPE:], positions)], -1)
    query = query * temperature[:, None, None]
    latent = h @ w[name + "kv_a_proj_with_mqa.weight"].T
    rotated = rotate(latent[:, None, LATENT:], positions)
    latent = rms_norm(latent[:, :LATENT], w[name + "kv_a_layernorm.weight"])
    both = (latent @ w[name + "kv_b_proj.weight"].T).reshape(tokens, HEADS, NOPE + VALUE)
    key = np.concatenate([both[..., :NOPE], np.repeat(rotated, HEADS, 1)], -1)
    magnitude = 0.1 * np.log(FACTOR) + 1
    scores = np.einsum("qhd,khd->hqk", query, key) * ((NOPE + ROPE) ** -0.5 * magnitude * magnitude)
    scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
    values = np.einsum("hqk,khd->qhd", softmax(scores), both[..., NOPE:]).reshape(tokens, HEADS * VALUE)
    return values @ w[name + "o_proj.weight"].T


def feed_forward(w, name, h):
    hidden = silu(h @ w[name + "gate_proj.weight"].T) * (h @ w[name + "up_proj.weight"].T)
    return hidden @ w[name + "down_proj.weight"].T


def mix(w, name, h):
    """Returns the output, the router's logits, the chosen experts, their weights, and how close the next one came."""
    logits = h @ w[name + "gate.weight"].T
    probabilities = softmax(logits)
    chosen = np.argsort(-probabilities, -1, kind="stable")[:, :CHOSEN]
    ordered = -np.sort(-probabilities, -1)
    weights = np.take_along_axis(probabilities, chosen, -1)
    weights = weights / (weights.sum(-1, keepdims=True) + 1e-20) * ROUTED_SCALE
    both = np.einsum("ewh,th->tew", w[name + "experts.gate_up_proj"], h)
    hidden = silu(both[..., :EXPERT_WIDTH]) * both[..., EXPERT_WIDTH:]
    outputs = np.einsum("ehw,tew->teh", w[name + "experts.down_proj"], hidden)
    routed = (np.take_along_axis(outputs, chosen[:, :, None], 1) * weights[:, :, None]).sum(1)
    output = feed_forward(w, name + "shared_experts.", h) + routed
    return output, logits, chosen, weights, (ordered[:, CHOSEN - 1] - ordered[:, CHOSEN]).min()


def forward(w, ids, beta=SCALING_BETA):
    """Returns the logits, what each layer's router chose, and a trace."""
    positions = np.arange(len(ids))
    temperature = 1 + beta * np.log(1 + np.floor(positions / ORIGINAL))
    x = w["model.embed_tokens.weight"][ids]
    routes, trace = {}, {"embed": x}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        h = rms_norm(x, w[prefix + "input_layernorm.weight"])
        output = attend(w, prefix + "self_attn.", h, positions, temperature)
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


def lead(logits):
    ordered = np.sort(logits)
    return ordered[-1] - ordered[-2]


def generate(w, prompt):
    """Returns the prompt and what follows it, the logits of that, and the least margins of tokens and of routers."""
    ids, greedy, margin, routes = list(prompt), [], np.inf, {}
    for _ in range(GENERATED):
        logits, routes, _ = forward(w, ids)
        greedy.append(logits[-1])
        margin = min(margin, lead(logits[-1]))
        ids.append(int(logits[-1].argmax()))
        if margin < LOGIT_MARGIN:
            break
    return ids, greedy, margin, min(route[2] for route in routes.values())


def find_case():
    for seed in range(1, 200):
        weights = draw_weights(seed)
        w = {name: to_float32(bits).astype(np.float64) for name, bits in weights.items()}
        prompt = [int(i) for i in np.random.default_rng(seed + 1000).integers(3, VOCAB, PROMPT)]
        ids, greedy, margin, router_margin = generate(w, prompt)
        if margin >= LOGIT_MARGIN and router_margin >= ROUTER_MARGIN:
            return seed, weights, w, ids, greedy, margin, router_margin
    raise SystemExit("every seed has something close")


def write_safetensors(path, tensors):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        values = tensors[name]
        is_bfloat16 = values.dtype == np.uint16
        blob = values.tobytes() if is_bfloat16 else np.ascontiguousarray(values, dtype="<f4").tobytes()
        header[name] = {
            "dtype": "BF16" if is_bfloat16 else "F32",
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def gguf_metadata():
    of_architecture = {
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
        "rope.scaling.yarn_log_multiplier": 0.1,
    }
    general = {"general.architecture": "mistral4", "tokenizer.ggml.model": "none"}
    return general | {"mistral4." + key: value for key, value in of_architecture.items()}


def gguf_tensors(w):
    tensors = {
        "token_embd.weight": w["model.embed_tokens.weight"],
        "output_norm.weight": w["model.norm.weight"],
        "output.weight": w["lm_head.weight"],
    }
    renamed = {
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_a_proj": "attn_q_a",
        "self_attn.q_a_layernorm": "attn_q_a_norm",
        "self_attn.q_b_proj": "attn_q_b",
        "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
        "self_attn.kv_a_layernorm": "attn_kv_a_norm",
        "self_attn.o_proj": "attn_output",
    }
    for layer in range(LAYERS):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        for name, short in renamed.items():
            tensors[ours + short + ".weight"] = w[theirs + name + ".weight"]
        both = w[theirs + "self_attn.kv_b_proj.weight"].reshape(HEADS, NOPE + VALUE, LATENT)
        tensors[ours + "attn_k_b.weight"] = both[:, :NOPE].transpose(0, 2, 1)
        tensors[ours + "attn_v_b.weight"] = both[:, NOPE:]
        mlp = theirs + "mlp."
        if layer >= DENSE:
            tensors[ours + "ffn_gate_inp.weight"] = w[mlp + "gate.weight"]
            tensors[ours + "ffn_gate_exps.weight"] = w[mlp + "experts.gate_up_proj"][:, :EXPERT_WIDTH]
            tensors[ours + "ffn_up_exps.weight"] = w[mlp + "experts.gate_up_proj"][:, EXPERT_WIDTH:]
            tensors[ours + "ffn_down_exps.weight"] = w[mlp + "experts.down_proj"]
        for part in ("gate", "up", "down"):
            name, end = (mlp, "") if layer < DENSE else (mlp + "shared_experts.", "_shexp")
            tensors[ours + f"ffn_{part}{end}.weight"] = w[name + part + "_proj.weight"]
    return tensors


def write_gguf(path, weights):
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    def pair(key, value):
        if isinstance(value, bool):
            return text(key) + struct.pack("<IB", 7, value)
        if isinstance(value, str):
            return text(key) + struct.pack("<I", 8) + text(value)
        return text(key) + (struct.pack("<If", 6, value) if isinstance(value, float) else struct.pack("<II", 4, value))

    metadata, tensors = gguf_metadata(), gguf_tensors(weights)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    header += b"".join(pair(key, value) for key, value in metadata.items())
    data = b""
    for name, values in tensors.items():
        header += text(name) + struct.pack("<I", values.ndim)
        header += b"".join(struct.pack("<Q", size) for size in values.shape[::-1]) + struct.pack("<IQ", 0, len(data))
        data += to_float32(np.ascontiguousarray(values)).tobytes()
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(header + b"\0" * (-len(header) % 32) + data)


def llama_logits(folder, path, ids):
    """Returns what llama.cpp computes for each token, one after another, with keys and values in float32."""

    class Parameters(ctypes.Structure):  # of a model or a context: larger than both
        _fields_ = [("words", ctypes.c_int32 * 128)]

    class Batch(ctypes.Structure):
        _fields_ = [("tokens", ctypes.c_int32)] + [(name, ctypes.c_void_p) for name in "abcdef"]

    def load(pattern):
        return ctypes.CDLL(str(next(folder.glob(pattern))), mode=ctypes.RTLD_GLOBAL)

    os.chdir(folder)
    load("libggml-base.so*")
    load("libggml.*so*").ggml_backend_load_all_from_path(str(folder).encode())
    llama = load("libllama.*so*")
    llama.llama_backend_init()
    for function in (llama.llama_model_default_params, llama.llama_context_default_params):
        function.restype = Parameters
    llama.llama_model_load_from_file.restype = llama.llama_init_from_model.restype = ctypes.c_void_p
    llama.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Parameters]
    llama.llama_init_from_model.argtypes = [ctypes.c_void_p, Parameters]
    llama.llama_batch_get_one.restype = Batch
    llama.llama_batch_get_one.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    llama.llama_decode.argtypes = [ctypes.c_void_p, Batch]
    llama.llama_get_logits_ith.restype = ctypes.POINTER(ctypes.c_float)
    llama.llama_get_logits_ith.argtypes = [ctypes.c_void_p, ctypes.c_int32]

    model = llama.llama_model_load_from_file(str(path).encode(), llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    words = list(parameters.words[:40])
    first = words.index(-1)  # of four that are to be chosen, the last of which is flash attention
    types = next(i for i in range(first + 4, 39) if words[i] == words[i + 1] == 1)  # of keys and values: F16
    parameters.words[first + 3] = parameters.words[types] = parameters.words[types + 1] = 0  # off, F32, F32
    context = llama.llama_init_from_model(model, parameters)
    logits = []
    for token in ids:
        one = (ctypes.c_int32 * 1)(token)
        if llama.llama_decode(context, llama.llama_batch_get_one(one, 1)) != 0:
            raise SystemExit("llama.cpp fails")
        found = llama.llama_get_logits_ith(context, -1)
        logits.append(np.ctypeslib.as_array(found, (VOCAB,)).copy())
    return np.array(logits)


def difference_of_llama(folder, weights, ids, expected):
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.gguf"
        write_gguf(path, weights)
        difference = abs(llama_logits(folder, path, ids) - expected).max()
    if difference > AGREEMENT:
        raise SystemExit(f"llama.cpp differs by {difference}")
    return difference


def rows(values):
    return "[" + ",\n    ".join(json.dumps(row) for row in values) + "]"


def route(layer, chosen, weights):
    rounded = [[float(f"{weight:.9g}") for weight in row] for row in weights]
    return f'  {{\n   "layer": {layer},\n   "expert_ids": {rows(chosen.tolist())},\n   "weights": {rows(rounded)}\n  }}'


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent).resolve()
    seed, weights, w, ids, greedy, margin, router_margin = find_case()
    prompt = ids[:PROMPT]
    logits, routes, trace = forward(w, prompt)
    facts = {
        "name": "mistral4",
        "model_type": "mistral4",
        "seed": seed,
        "reference": "float64 computation of the formulas of transformers 5 in numpy, and llama.cpp v0.5.0"
        " (node-llama-cpp 3.22.1) in float32 for the same weights; not transformers itself",
        "weights_dtype": "bf16",
        "input_ids": prompt,
        "logits_shape": [PROMPT, VOCAB],
        "greedy_ids": ids[PROMPT:],
        "greedy_min_margin": float(f"{margin:.5g}"),
        "router_min_margin_prompt_and_generated": float(f"{router_margin:.5g}"),
        "logits_abs_max": float(f"{abs(logits).max():.5g}"),
    }
    if len(sys.argv) > 2:
        expected = np.concatenate([logits, np.array(greedy[1:])])
        difference = difference_of_llama(Path(sys.argv[2]).resolve(), weights, ids[:-1], expected)
        facts["llama_cpp_max_abs_err"] = float(f"{difference:.2g}")
    without = abs(forward(w, prompt, 0)[0] - logits).max()
    facts["without_temperature_max_abs_difference"] = float(f"{without:.4g}")
    facts["notes"] = (
        "sixteen positions of one temperature, YaRN, one dense layer,"
        " experts in one tensor each as checkpoints have them"
    )
    lines = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts.items())
    routers = ",\n".join(route(layer, chosen, weights) for layer, (chosen, weights, _) in routes.items())
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    (directory / "reference.json").write_text("{\n" + lines + ' "router": [\n' + routers + "\n ]\n}\n")
    write_safetensors(directory / "model.safetensors", weights)
    write_safetensors(directory / "logits.safetensors", {"logits": logits, "greedy_logits": np.array(greedy)})
    write_safetensors(directory / "trace.safetensors", trace)


if __name__ == "__main__":
    main()
