"""What the scripts share that compute a golden case by formulas: numbers, the search for a seed, files, and llama.cpp.

A script draws weights, has attention and routers of its own, computes in float64 and says what llama.cpp calls what it
drew; `make` does the rest. Needs numpy alone.
"""

import ctypes
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np

ROUTER_MARGIN = 1e-3  # between what a router chooses last and what it does not choose
LOGIT_MARGIN = 0.02  # between the best and the second token
AGREEMENT = 5e-5  # of llama.cpp, which computes in float32


def to_bfloat16(values):
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def to_float32(values):
    """Of bfloat16; what is in float32 stays so."""
    return (values.astype("<u4") << 16).view("<f4") if values.dtype == np.uint16 else values


class Drawing:
    """Tensors by name in bfloat16, drawn from a seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.weights = {}

    def put(self, name, scale, *shape):
        self.weights[name] = to_bfloat16(self.random.normal(0, scale, shape))

    def linear(self, name, outputs, inputs, gain=1.0):
        self.put(name + ".weight", gain / np.sqrt(inputs), outputs, inputs)

    def norm(self, name, size, mean=1.0):
        self.weights[name + ".weight"] = to_bfloat16(mean + 0.1 * self.random.normal(size=size))

    def swiglu(self, name, hidden, width, gain=1.0):
        self.linear(name + ".gate_proj", width, hidden)
        self.linear(name + ".up_proj", width, hidden)
        self.linear(name + ".down_proj", hidden, width, gain)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def swiglu(w, name, h):
    hidden = silu(h @ w[name + "gate_proj.weight"].T) * (h @ w[name + "up_proj.weight"].T)
    return hidden @ w[name + "down_proj.weight"].T


def margin_of(values, chosen):
    """Returns how much less the next one is than the last of so many that are chosen."""
    ordered = -np.sort(-values, -1)
    return (ordered[:, chosen - 1] - ordered[:, chosen]).min()


def heaviest_first(chosen, weights):
    order = np.argsort(-weights, -1, kind="stable")
    return np.take_along_axis(chosen, order, -1), np.take_along_axis(weights, order, -1)


def weighted_sum(outputs, chosen, weights):
    """Of what each expert gives for each token, [tokens, experts, hidden]."""
    return (np.take_along_axis(outputs, chosen[:, :, None], 1) * weights[:, :, None]).sum(1)


def decode(config, w, ids, attend, mix, embedding="model.embed_tokens"):
    """Returns the logits, what each layer's router chose, and a trace.

    attend  returns the output of attention for a layer, the beginning of its names, its input and positions
    mix     returns the output of experts, the router's logits, what it chose, weights, and how close the next one came,
            for the beginning of names and the input; layers whose MLP has a `gate_proj` have none
    """
    positions, eps = np.arange(len(ids)), config.get("rms_norm_eps") or config["layernorm_epsilon"]
    x = w[embedding + ".weight"][ids]
    routes, trace = {}, {"embed": x}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        output = attend(layer, prefix, rms_norm(x, w[prefix + "input_layernorm.weight"], eps), positions)
        trace[f"layer.{layer}.attn_output"] = output
        x = x + output
        mlp, h = prefix + "mlp.", rms_norm(x, w[prefix + "post_attention_layernorm.weight"], eps)
        if mlp + "gate_proj.weight" in w:
            x = x + swiglu(w, mlp, h)
        else:
            output, logits, chosen, weights, margin = mix(mlp, h)
            routes[layer] = (chosen, weights, margin)
            trace[f"layer.{layer}.moe_input"] = h
            trace[f"layer.{layer}.moe_output"] = output
            trace[f"layer.{layer}.router_logits"] = logits
            x = x + output
        trace[f"layer.{layer}.output"] = x
    trace["final_norm"] = rms_norm(x, w["model.norm.weight"], eps)
    return trace["final_norm"] @ w["lm_head.weight"].T, routes, trace


def named_for_llama(w, renamed, embedding="model.embed_tokens", shared="shared_experts"):
    """Returns tensors by llama.cpp's names: of all layers those in `renamed`, norms, MLPs and experts."""
    tensors = {
        "token_embd.weight": w[embedding + ".weight"],
        "output_norm.weight": w["model.norm.weight"],
        "output.weight": w["lm_head.weight"],
    }
    names = {"input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight"} | renamed
    for part in ("gate", "up", "down"):
        names[f"mlp.{part}_proj.weight"] = f"ffn_{part}.weight"
        names[f"mlp.{shared}.{part}_proj.weight"] = f"ffn_{part}_shexp.weight"
    for layer in range(sum(name.endswith(".input_layernorm.weight") for name in w)):
        theirs, ours = f"model.layers.{layer}.", f"blk.{layer}."
        tensors |= {ours + short: w[theirs + name] for name, short in names.items() if theirs + name in w}
        experts = sum(name.startswith(theirs + "mlp.experts.") and name.endswith(".up_proj.weight") for name in w)
        for part in ("gate", "up", "down") if experts else ():
            each = [w[f"{theirs}mlp.experts.{expert}.{part}_proj.weight"] for expert in range(experts)]
            tensors[ours + f"ffn_{part}_exps.weight"] = np.stack(each)
    return tensors


def _lead(logits):
    ordered = np.sort(logits)
    return ordered[-1] - ordered[-2]


def _generate(forward, w, prompt, generated):
    """Returns the prompt and what follows it, the logits of that, and the least margins of tokens and of routers."""
    ids, greedy, margin, routes = list(prompt), [], np.inf, {}
    for _ in range(generated):
        logits, routes, _ = forward(w, ids)
        greedy.append(logits[-1])
        margin = min(margin, _lead(logits[-1]))
        ids.append(int(logits[-1].argmax()))
        if margin < LOGIT_MARGIN:
            break
    return ids, greedy, margin, min(route[2] for route in routes.values())


def _find(config, draw_weights, forward, lengths, end):
    """Draws seed after seed until no choice of experts and no greedy token is close, and no answer ends early."""
    for seed in range(1, 200):
        weights = draw_weights(seed)
        w = {name: to_float32(bits).astype(np.float64) for name, bits in weights.items()}
        random = np.random.default_rng(seed + 1000)
        prompt = [int(i) for i in random.integers(3, config["vocab_size"], lengths[0])]
        ids, greedy, margin, router_margin = _generate(forward, w, prompt, lengths[1])
        if margin >= LOGIT_MARGIN and router_margin >= ROUTER_MARGIN and end not in ids[lengths[0] :]:
            return seed, weights, w, ids, greedy, margin, router_margin
    raise SystemExit("every seed has something close")


def _write_safetensors(path, tensors):
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


def _write_gguf(path, architecture, metadata, tensors):
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    def pair(key, value):
        if isinstance(value, bool):
            return text(key) + struct.pack("<IB", 7, value)
        if isinstance(value, str):
            return text(key) + struct.pack("<I", 8) + text(value)
        if isinstance(value, list):
            kind, letter = {bool: (7, "?"), int: (4, "I"), float: (6, "f")}[type(value[0])]
            return text(key) + struct.pack(f"<IIQ{len(value)}{letter}", 9, kind, len(value), *value)
        return text(key) + (struct.pack("<If", 6, value) if isinstance(value, float) else struct.pack("<II", 4, value))

    general = {"general.architecture": architecture, "tokenizer.ggml.model": "none"}
    metadata = general | {f"{architecture}.{key}": value for key, value in metadata.items()}
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    header += b"".join(pair(key, value) for key, value in metadata.items())
    data = b""
    for name, values in tensors.items():
        header += text(name) + struct.pack("<I", values.ndim)
        header += b"".join(struct.pack("<Q", size) for size in values.shape[::-1]) + struct.pack("<IQ", 0, len(data))
        data += to_float32(np.ascontiguousarray(values)).tobytes()
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(header + b"\0" * (-len(header) % 32) + data)


def _llama_logits(folder, path, ids, vocabulary):
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
    llama.llama_set_n_threads(ctypes.c_void_p(context), 1, 1)
    logits = []
    for token in ids:
        one = (ctypes.c_int32 * 1)(token)
        if llama.llama_decode(context, llama.llama_batch_get_one(one, 1)) != 0:
            raise SystemExit("llama.cpp fails")
        found = llama.llama_get_logits_ith(context, -1)
        logits.append(np.ctypeslib.as_array(found, (vocabulary,)).copy())
    return np.array(logits)


def _difference_of_llama(folder, gguf, ids, expected):
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.gguf"
        _write_gguf(path, *gguf)
        difference = abs(_llama_logits(folder, path, ids, expected.shape[1]) - expected).max()
    if difference > AGREEMENT:
        raise SystemExit(f"llama.cpp differs by {difference}")
    return difference


def _rows(values):
    return "[" + ",\n    ".join(json.dumps(row) for row in values) + "]"


def _route(layer, chosen, weights):
    rounded = [[float(f"{weight:.9g}") for weight in row] for row in weights]
    return f'  {{\n   "layer": {layer},\n   "expert_ids": {_rows(chosen.tolist())},\n   "weights": {_rows(rounded)}\n  }}'


def make(config, draw_weights, forward, gguf, effects, notes, of="transformers 5", lengths=(28, 24), end=None):
    """Writes the case into the folder that the command line names, or into that of the script.

    config        what config.json says
    draw_weights  returns tensors by name for a seed, in bfloat16 or float32
    forward       returns logits, routes (chosen, weights and the least margin, by layer) and the trace for weights and ids
    gguf          the architecture, its metadata, and a function that returns the tensors of a GGUF file for weights
    effects       returns what the case tells apart, by name, for weights, prompt, logits and routes
    notes         what the case has that others have not
    of            whose formulas these are
    lengths       of the prompt and of what is generated
    end           a token that ends an answer, if one may be generated
    """
    script = Path(sys.argv[0]).resolve()
    directory = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else script.parent
    seed, weights, w, ids, greedy, margin, router_margin = _find(config, draw_weights, forward, lengths, end)
    prompt = ids[: lengths[0]]
    logits, routes, trace = forward(w, prompt)
    author = "transformers" if of.startswith("transformers") else "the publisher's code"
    facts = {
        "name": script.stem.removeprefix("make_"),
        "model_type": config["model_type"],
        "seed": seed,
        "reference": f"float64 computation of the formulas of {of} in numpy, and llama.cpp v0.5.0"
        f" (node-llama-cpp 3.22.1) in float32 for the same weights; not {author} itself",
        "weights_dtype": "bf16",
        "input_ids": prompt,
        "logits_shape": list(logits.shape),
        "greedy_ids": ids[lengths[0] :],
        "greedy_min_margin": float(f"{margin:.5g}"),
        "router_min_margin_prompt_and_generated": float(f"{router_margin:.5g}"),
        "logits_abs_max": float(f"{abs(logits).max():.5g}"),
    }
    if len(sys.argv) > 2:
        architecture, metadata, tensors = gguf
        file = architecture, metadata, tensors(weights)
        expected = np.concatenate([logits, np.array(greedy[1:])])
        difference = _difference_of_llama(Path(sys.argv[2]).resolve(), file, ids[:-1], expected)
        facts["llama_cpp_max_abs_err"] = float(f"{difference:.2g}")
    for name, value in effects(w, prompt, logits, routes).items():
        facts[name] = float(f"{value:.4g}") if isinstance(value, float) else value
    facts["notes"] = notes
    lines = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts.items())
    routers = ",\n".join(_route(layer, chosen, weights) for layer, (chosen, weights, _) in routes.items())
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (directory / "reference.json").write_text("{\n" + lines + ' "router": [\n' + routers + "\n ]\n}\n")
    _write_safetensors(directory / "model.safetensors", weights)
    _write_safetensors(directory / "logits.safetensors", {"logits": logits, "greedy_logits": np.array(greedy)})
    _write_safetensors(directory / "trace.safetensors", trace)
