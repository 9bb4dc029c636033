"""Writes the first inputs of each fuzz target from the golden files of test-data; findings lie beside them."""

import gzip
import json
import struct
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parent
CHAT = DATA.parent / "engine/runtime/src/test/resources/io/moetier/runtime/text/chat"
F32, F16, Q4_0, Q8_0, Q4_K, I32, MXFP4 = 0, 1, 2, 8, 12, 26, 39
BLOCK = {F32: (1, 4), F16: (1, 2), Q4_0: (32, 18), Q8_0: (32, 34), Q4_K: (256, 144), I32: (1, 4), MXFP4: (32, 17)}


def put(target, name, content):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def product(shape):
    result = 1
    for size in shape:
        result *= size
    return result


def safetensors(tensors, metadata=None):
    header, offset = ({"__metadata__": metadata} if metadata else {}), 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size * product(shape)]}
        offset += size * product(shape)
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + bytes(range(256)) * (offset // 256) + bytes(range(offset % 256))


def gguf_string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_value(value):
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return (4, struct.pack("<I", value)) if value < 1 << 32 else (10, struct.pack("<Q", value))
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, gguf_string(value)
    items = [gguf_value(item) for item in value]
    kind = items[0][0] if items else 5
    return 9, struct.pack("<IQ", kind, len(items)) + b"".join(item for _, item in items)


def gguf(metadata, tensors, alignment=32, with_data=True):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        kind, content = gguf_value(value)
        head += gguf_string(key) + struct.pack("<I", kind) + content
    data = b""
    for name, (kind, shape) in tensors.items():
        data += bytes(-len(data) % alignment)
        head += gguf_string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", kind, len(data))
        elements, size = BLOCK[kind]
        data += bytes(product(shape) // elements * size)
    return head + (bytes(-len(head) % alignment) + data if with_data else b"")


def gguf_model(architecture, extra, per_layer, tokenizer):
    hidden, heads, wide, experts, vocabulary = 4, 2, 4, 2, len(tokenizer["tokenizer.ggml.tokens"])
    metadata = {
        "general.architecture": architecture,
        "general.name": "tiny",
        f"{architecture}.block_count": 1,
        f"{architecture}.context_length": 64,
        f"{architecture}.embedding_length": hidden,
        f"{architecture}.feed_forward_length": wide,
        f"{architecture}.attention.head_count": heads,
        f"{architecture}.attention.head_count_kv": 1,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{architecture}.expert_count": experts,
        f"{architecture}.expert_used_count": 1,
        f"{architecture}.vocab_size": vocabulary,
    } | {f"{architecture}.{key}": value for key, value in extra.items()} | tokenizer
    tensors = {"token_embd.weight": (F16, [hidden, vocabulary]), "output_norm.weight": (F32, [hidden])}
    layer = {
        "attn_norm": (F32, [hidden]),
        "attn_q": (F16, [hidden, 4]),
        "attn_k": (F16, [hidden, 2]),
        "attn_v": (F16, [hidden, 2]),
        "attn_output": (F16, [4, hidden]),
        "ffn_norm": (F32, [hidden]),
        "ffn_gate_inp": (F32, [hidden, experts]),
        "ffn_gate_exps": (F16, [hidden, wide, experts]),
        "ffn_up_exps": (F16, [hidden, wide, experts]),
        "ffn_down_exps": (F16, [wide, hidden, experts]),
    } | per_layer
    tensors |= {f"blk.0.{name}.weight": tensor for name, tensor in layer.items()}
    return gguf(metadata, tensors)


def gguf_entries():
    """A DeepSeek-V4 of one layer: streams, compressed entries with an indexer, experts by token."""
    hidden, streams, heads, dim, rank, groups, ratio, wide, experts, vocabulary = 4, 2, 2, 4, 2, 2, 4, 4, 2, 5
    coefficients = (2 + streams) * streams
    metadata = {"general.architecture": "deepseek4"} | {f"deepseek4.{key}": value for key, value in {
        "block_count": 1,
        "nextn_predict_layers": 0,
        "context_length": 64,
        "embedding_length": hidden,
        "attention.head_count": heads,
        "attention.head_count_kv": 1,
        "attention.key_length": dim,
        "attention.value_length": dim,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "attention.sliding_window": 8,
        "attention.q_lora_rank": rank,
        "attention.output_lora_rank": rank,
        "attention.output_group_count": groups,
        "attention.compress_ratios": [ratio, 0],
        "attention.compress_rope_freq_base": 160000.0,
        "attention.indexer.head_count": heads,
        "attention.indexer.key_length": dim,
        "attention.indexer.top_k": 1,
        "rope.dimension_count": 2,
        "hyper_connection.count": streams,
        "hyper_connection.sinkhorn_iterations": 2,
        "hyper_connection.epsilon": 1e-6,
        "hash_layer_count": 1,
        "expert_count": experts,
        "expert_used_count": 1,
        "expert_shared_count": 1,
        "expert_feed_forward_length": wide,
        "expert_weights_scale": 1.5,
        "expert_weights_norm": True,
        "expert_gating_func": 4,
        "swiglu_clamp_exp": [10.0],
    }.items()}
    layer = {
        "attn_norm": (F32, [hidden]),
        "attn_q_a": (F16, [hidden, rank]),
        "attn_q_a_norm": (F32, [rank]),
        "attn_q_b": (F16, [rank, heads * dim]),
        "attn_sinks": (F32, [heads]),
        "attn_kv": (F16, [hidden, dim]),
        "attn_kv_a_norm": (F32, [dim]),
        "attn_output_a": (F16, [heads * dim // groups, groups * rank]),
        "attn_output_b": (F16, [groups * rank, hidden]),
        "indexer.attn_q_b": (F16, [rank, heads * dim]),
        "indexer.proj": (F16, [hidden, heads]),
        "ffn_norm": (F32, [hidden]),
        "ffn_gate_inp": (F32, [hidden, experts]),
        "ffn_gate_tid2eid": (I32, [1, vocabulary]),
        "ffn_gate_exps": (F16, [hidden, wide, experts]),
        "ffn_up_exps": (F16, [hidden, wide, experts]),
        "ffn_down_exps": (F16, [wide, hidden, experts]),
        "ffn_gate_shexp": (F16, [hidden, wide]),
        "ffn_up_shexp": (F16, [hidden, wide]),
        "ffn_down_shexp": (F16, [wide, hidden]),
    }
    for name in ("attn_compressor", "indexer_compressor"):
        layer |= {
            f"{name}_kv": (F16, [hidden, 2 * dim]),
            f"{name}_gate": (F16, [hidden, 2 * dim]),
            f"{name}_ape": (F32, [2 * dim, ratio]),
            f"{name}_norm": (F32, [dim]),
        }
    for name in ("hc_attn", "hc_ffn"):
        layer |= {
            f"{name}_fn": (F32, [streams * hidden, coefficients]),
            f"{name}_scale": (F32, [3]),
            f"{name}_base": (F32, [coefficients]),
        }
    outside = {
        "token_embd": (F16, [hidden, vocabulary]),
        "output_norm": (F32, [hidden]),
        "output": (F16, [hidden, vocabulary]),
        "output_hc_fn": (F32, [streams * hidden, streams]),
        "output_hc_scale": (F32, [1]),
        "output_hc_base": (F32, [streams]),
    }
    tensors = {f"{name}.weight": tensor for name, tensor in outside.items()}
    return gguf(metadata, tensors | {f"blk.0.{name}.weight": tensor for name, tensor in layer.items()})


LLAMA_TOKENIZER = {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "<0x0A>", "a", "b", "ab"],
    "tokenizer.ggml.scores": [0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -3.0],
    "tokenizer.ggml.token_type": [2, 3, 3, 6, 1, 1, 1],
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.add_bos_token": True,
    "tokenizer.chat_template": "{{ messages[0].content }}",
}
GPT2_TOKENIZER = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": ["a", "b", "ab", "<|im_end|>"],
    "tokenizer.ggml.token_type": [1, 1, 1, 3],
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.eos_token_id": 3,
}


def weights():
    put("Safetensors", "three", safetensors({"a": ("F32", [2, 3], 4), "b": ("BF16", [5], 2), "raw": ("U8", [7], 1)}, {"format": "pt"}))
    put("Safetensors", "scalar", safetensors({"a": ("F16", [], 2), "none": ("I64", [0, 4], 8)}))
    index = json.loads((DATA / "golden/mixtral_sharded/model.safetensors.index.json").read_text())
    index["weight_map"] = {"a": "a.safetensors", "b": "b.safetensors"}
    put("Index", "two", json.dumps(index))
    put("Index", "one", '{"weight_map":{"b":"b.safetensors"}}')
    blocks = {name: (kind, [256, 1]) for name, kind in (("a", Q4_0), ("b", Q8_0), ("c", Q4_K), ("d", MXFP4))}
    put("Gguf", "blocks", gguf({"general.architecture": "llama", "general.alignment": 64}, blocks, 64))
    values = {"a": 1, "b": 1 << 40, "c": True, "d": 1.5, "e": "text", "f": [1, 2], "g": ["x", ""], "h": []}
    put("Gguf", "values", gguf(values, {"a": (F32, [3]), "b": (F16, [2, 2, 2])}))
    put("GgufModel", "llama", gguf_model("llama", {}, {}, LLAMA_TOKENIZER))
    norms = {"attn_q_norm": (F32, [2]), "attn_k_norm": (F32, [2])}
    lengths = {"attention.key_length": 2, "attention.value_length": 2, "expert_feed_forward_length": 4, "rope.freq_base": 1e4}
    put("GgufModel", "qwen3moe", gguf_model("qwen3moe", lengths, norms, GPT2_TOKENIZER))
    put("GgufModel", "deepseek4", gguf_entries())


def manifest():
    part = {"name": "gate", "dtype": "F32", "rows": 2, "cols": 8, "offset": 0, "byteLength": 64}
    put("Manifest", "store", json.dumps({
        "format": "moetier-store",
        "version": 3,
        "description": {"name": "tiny", "source": "tiny", "quantisation": "none"},
        "files": [
            {"name": "dense.safetensors", "bytes": 100, "crc32c": "0a1b2c3d"},
            {"name": "experts-0.cm3", "bytes": 65536, "frameCrc32c": "ffffffff"},
        ],
        "sizeClasses": [{"file": "experts-0.cm3", "blockBytes": 64, "parts": [part]}],
        "layers": [{"layer": 1, "experts": [0, 1], "sizeClasses": [0, 0], "offsets": [8192, 16384], "crc32c": ["0", "1"]}],
    }))


def configs():
    for config in sorted((DATA / "golden").glob("*/config.json")):
        put("Config", config.parent.name, json.dumps(json.loads(config.read_text()), separators=(",", ":")))


def traces():
    for path in (DATA / "traces").glob("*.jsonl.gz"):
        lines = gzip.open(path, "rt").read().splitlines()[:2]
        header, token = json.loads(lines[0]), json.loads(lines[1])
        layers = 2
        header |= {"layers": layers, "moe_layer_indices": header["moe_layer_indices"][:layers], "tokens": 2, "requests": 1}
        token |= {key: token[key][:layers] for key in ("e", "w") if key in token}
        second = token | {"t": 1, "s": 7, "h": [["disk"] * header["top_k"]] * layers}
        text = "\n".join(json.dumps(line, separators=(",", ":")) for line in (header, token, second)) + "\n"
        put("Trace", path.name.split("_")[0], text)
    put("Trace", "compressed", gzip.compress(text.encode(), mtime=0))
    for path in (DATA / "traces/foreign").iterdir():
        if path.name != "README.md":
            put("ForeignTrace", path.name, path.read_bytes())


def texts():
    for path in CHAT.glob("*.jinja"):
        put("ChatTemplate", path.stem, path.read_bytes())
    tiny = json.loads((DATA / "models/tiny-mixtral/tokenizer.json").read_text())
    model = tiny["model"]
    model["vocab"] = dict(list(model["vocab"].items())[:330])
    model["merges"] = [merge for merge in model["merges"] if "".join(merge.split(" ") if isinstance(merge, str) else merge) in model["vocab"]
                       and all(half in model["vocab"] for half in (merge.split(" ") if isinstance(merge, str) else merge))]
    put("Tokenizer", "bpe", json.dumps(tiny, ensure_ascii=False, separators=(",", ":")))
    split = {"type": "Split", "pattern": {"Regex": r"\p{N}{1,3}|\s+(?!\S)|\s+|[^\s\p{N}]+"}, "behavior": "Isolated", "invert": False}
    put("Tokenizer", "bytes", json.dumps({
        "version": "1.0",
        "added_tokens": [{"id": 3, "content": "<s>", "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"String": " "}, "content": "_"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
    }))
    put("Tokenizer", "unigram", json.dumps({
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["\u2581a", -1.5], ["a", -2]], "byte_fallback": False},
    }))
    pieces = (DATA / "models/tiny-mixtral/tokenizer.model").read_bytes()
    at = 0
    for _ in range(300):
        at += 2 + pieces[at + 1]
    put("SentencePiece", "bpe", pieces[:at] + pieces[-98:])  # the specifications of trainer and normaliser end the file
    put("SentencePiece", "unigram", pieces[:at])


def own_files():
    put("OwnFiles", "policy", '{"format":"moetier-policy/1","policy":"lfu","ram_bytes":12345678}')
    census = {"format": "moe-census/1", "tokens": 5.5, "layers": [{"layer": 0, "counts": [1, 2.5]}, {"layer": 2, "counts": [3, 0]}]}
    put("OwnFiles", "census", json.dumps(census))
    put("OwnFiles", "gpu", '{"name":"gpu","device_bytes_per_second":1e12,"link_bytes_per_second":2e10,"layer_seconds":1e-5}')
    load = {"first_seconds": 1e-5, "first_seconds_per_byte": 1e-10, "each_seconds": 0, "each_seconds_per_byte": 1e-9, "overlap": 0.5}
    by_bytes = {"1000000": 1e-4, "8000000": 2e-4}
    put("OwnFiles", "machine", json.dumps({
        "name": "cpu",
        "host_bytes_per_second": 1e10,
        "disk_bytes_per_second": 1e9,
        "layer_seconds": 0,
        "decode_costs": {
            "layer_seconds": by_bytes,
            "width_seconds": by_bytes,
            "expert_seconds": by_bytes,
            "logit_seconds": 1e-9,
            "from_disk": load,
            "from_page_cache": load,
            "bytes_per_second": {"Q4_0": {"1000000": 1e10}},
        },
    }))


def importances():
    means = {f"blk.0.{name}.weight": (experts, columns) for name, experts, columns in (
        ("attn_q", 1, 4), ("ffn_gate_exps", 2, 4), ("ffn_up_exps", 2, 4), ("ffn_down_exps", 2, 4))}
    tensors, entries = {}, struct.pack("<i", len(means))
    for name, (experts, columns) in means.items():
        tensors |= {name + ".in_sum2": (F32, [columns, experts]), name + ".counts": (F32, [1, experts])}
        values = struct.pack(f"<{experts * columns}f", *range(experts * columns))
        entries += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", 3, experts * columns) + values
    put("Importance", "sums", gguf({"general.type": "imatrix", "imatrix.chunk_count": 1}, tensors))
    put("Importance", "list", entries + struct.pack("<ii", 3, 1) + b"t")


def matrices(shapes):
    """Returns matrices of these shapes, with biases."""
    tensors = {}
    for name, (rows, cols) in shapes.items():
        tensors |= {name + ".weight": (F16, [cols, rows]), name + ".bias": (F32, [rows])}
    return tensors


def norms(names, size):
    return {name + part: (F32, [size]) for name in names for part in (".weight", ".bias")}


def vision(wide):
    return {
        "general.architecture": "clip",
        "clip.has_vision_encoder": True,
        "clip.vision.projection_dim": 64,
        "clip.vision.embedding_length": 32,
        "clip.vision.feed_forward_length": wide,
        "clip.vision.block_count": 1,
        "clip.vision.attention.head_count": 2,
        "clip.vision.attention.layer_norm_epsilon": 1e-6,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
    }


def tower(projector, extra, tensors, wide=48):
    hidden, patch = 32, 8
    metadata = vision(wide) | {"clip.projector_type": projector, "clip.use_gelu": True, "clip.vision.patch_size": patch}
    metadata |= {f"clip.vision.{key}": value for key, value in extra.items()}
    layer = norms(("v.blk.0.ln1", "v.blk.0.ln2"), hidden) | matrices({
        "v.blk.0.attn_out": (hidden, hidden), "v.blk.0.ffn_up": (wide, hidden), "v.blk.0.ffn_down": (hidden, wide)})
    return gguf(metadata, {"v.patch_embd.weight": (F32, [patch, patch, 3, hidden])} | layer | tensors, with_data=False)


def towers():
    apart = {f"v.blk.0.attn_{part}": (32, 32) for part in "qkv"}
    qwen = {"v.patch_embd.weight.1": (F32, [8, 8, 3, 32]), "v.patch_embd.bias": (F32, [32]), "v.position_embd.weight": (F32, [32, 36])}
    qwen |= matrices({"v.blk.0.attn_qkv": (96, 32), "mm.0": (128, 128), "mm.2": (64, 128)}) | norms(["v.post_ln"], 32)
    sizes = {"image_size": 48, "spatial_merge_size": 2, "image_min_pixels": 1 << 10, "image_max_pixels": 1 << 16}
    put("Mmproj", "qwen3_5_moe", tower("qwen3vl_merger", sizes, qwen))
    deep = norms(["v.deepstack.0.norm"], 128) | matrices({"v.deepstack.0.fc1": (128, 128), "v.deepstack.0.fc2": (64, 128)})
    put("Mmproj", "qwen3_vl_moe", tower("qwen3vl_merger", sizes | {"is_deepstack_layers": [True]}, qwen | deep))
    tiled = {"v.class_embd": (F32, [32]), "v.position_embd.weight": (F32, [32, 17])}
    intern = {"v.patch_embd.bias": (F32, [32])} | {f"v.blk.0.ls{number}.weight": (F32, [32]) for number in (1, 2)}
    intern |= matrices(apart | {"mm.model.mlp.1": (64, 128), "mm.model.mlp.3": (64, 64)}) | norms(["mm.model.mlp.0"], 128)
    sizes = {"image_size": 32, "projector.scale_factor": 2}
    limits = {"preproc_min_tiles": 1, "preproc_max_tiles": 6}
    put("Mmproj", "internvl", tower("internvl", sizes | limits, tiled | intern))
    maps = {"mm.model.mlp.1": (48, 128), "mm.model.mlp.2": (48, 48), "mm.model.fc": (64, 48)}
    llama = {f"{name}.weight": (F16, [cols, rows]) for name, (rows, cols) in maps.items()}
    llama |= matrices(apart) | norms(["v.pre_ln", "v.post_ln"], 32)
    put("Mmproj", "llama4", tower("llama4", sizes, tiled | llama, 128))
    gemma = {"v.patch_embd.weight": (F32, [2, 2, 3, 32]), "v.position_embd.weight": (F32, [32, 64, 2])}
    gemma |= {f"{name}.weight": (F32, [32]) for name in ("v.blk.0.ln1", "v.blk.0.ln2", "v.blk.0.attn_post_norm", "v.blk.0.ffn_post_norm")}
    gemma |= {f"v.blk.0.attn_{part}_norm.weight": (F32, [16]) for part in "qk"} | {"v.std_bias": (F32, [32]), "v.std_scale": (F32, [32])}
    maps = {f"v.blk.0.attn_{part}": (32, 32) for part in ("q", "k", "v", "out")}
    maps |= {"v.blk.0.ffn_gate": (48, 32), "v.blk.0.ffn_up": (48, 32), "v.blk.0.ffn_down": (32, 48), "mm.input_projection": (64, 32)}
    gemma |= {f"{name}.weight": (F16, [cols, rows]) for name, (rows, cols) in maps.items()}
    sizes = {"clip.vision.projector_type": "gemma4v", "clip.vision.image_size": 224, "clip.vision.patch_size": 2}
    put("Mmproj", "gemma4", gguf(vision(48) | sizes, gemma, with_data=False))


def messages():
    """What drivers and nodes say to each other, as cluster.wire writes it: magic, version, kind, and what follows."""

    def message(kind, body):
        put("Wire", kind.lower(), struct.pack("<IHH", 0x5245544D, 1, kinds.index(kind)) + body)

    def text(content):
        return struct.pack("<I", len(content)) + content

    kinds = ["HELLO", "WELCOME", "ASSIGN", "READY", "REQUEST", "REPLY", "PING", "PONG"]
    activations = b"".join(
        struct.pack("<IIff", layer, kind, 7.0 if kind in (1, 2) else 0.0, 1.702 if kind == 1 else 0.0)
        for layer, kind in enumerate(range(6)))
    message("HELLO", text(b"0.1.0") + text(b"avx-512") + struct.pack("<I", 1) + text(b"abc") + text(b"{}") + text(activations))
    message("WELCOME", text(b"avx-512") + struct.pack("<QddI3I", 1 << 34, 1e10, 1e9, 3, 1, 2, 65536))
    message("ASSIGN", struct.pack("<I3I", 3, 65536, 2, 1))
    message("READY", struct.pack("<I2I", 2, 65536, 2))
    message("REQUEST", struct.pack("<Q6I2I2I2f3I4f", 1, 5, 2, 2, 2, 3, 2, 7, 9, 2, 1, 0.5, 0.25, 0, 1, 1, 1, 2, 3, 4))
    message("REPLY", struct.pack("<QQ4I2B2f", 1, 1000, 2, 1, 2, 1, 0, 1, 1, 2))
    message("PING", struct.pack("<QI20x", 3, 100))
    message("PONG", struct.pack("<QI20x", 3, 0))


def pictures():
    for file in sorted((DATA / "images/files").iterdir()):
        if file.suffix != ".rgb":
            put("Picture", file.name, file.read_bytes())


for write in (towers, pictures, importances, weights, manifest, configs, traces, texts, own_files, messages):
    write()
