"""Makes this golden case: a tiny random K-EXAONE and what it computes.

Usage: python3 make_exaone_moe.py [DIRECTORY [LLAMA]]

Needs numpy alone. The weights are drawn seed after seed until no choice of experts and no greedy token is close, and
rounded to bfloat16; everything else is computed from the rounded weights in float64 by the formulas of ExaoneMoe in
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
ROUTER_MARGIN = 1e-3  # between what the second and the third expert are chosen by
LOGIT_MARGIN = 0.02  # between the best and the second token
AGREEMENT = 5e-5  # of llama.cpp, which computes in float32
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


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


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
        if margin >= LOGIT_MARGIN and router_margin >= ROUTER_MARGIN and END not in ids[PROMPT:]:
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
    general = {"general.architecture": "exaone-moe", "tokenizer.ggml.model": "none"}
    return general | {"exaone-moe." + key: value for key, value in of_architecture.items()}


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


def write_gguf(path, weights):
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    def pair(key, value):
        if isinstance(value, bool):
            return text(key) + struct.pack("<IB", 7, value)
        if isinstance(value, list):
            return text(key) + struct.pack("<IIQ", 9, 7, len(value)) + bytes(value)
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
    llama.llama_set_n_threads.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32]
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
    llama.llama_set_n_threads(context, 1, 1)
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
        "name": "exaone_moe",
        "model_type": "exaone_moe",
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
    for fact, other in {
        "without_windows": forward(w, prompt, slides=[False] * LAYERS),
        "with_every_layer_rotated": forward(w, prompt, rotated=[True] * LAYERS),
    }.items():
        facts[fact + "_max_abs_difference"] = float(f"{abs(other[0] - logits).max():.4g}")
    facts["notes"] = "windows of eight keys, a full layer without positions, one dense layer, corrections of choices"
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
