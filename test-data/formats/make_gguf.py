"""Makes a GGUF file of the test model whose matrices ggml's own quantisers have rounded.

Usage: python3 make_gguf.py LIBGGML_BASE tiny-mixtral TYPE model.gguf [imatrix.gguf]

LIBGGML_BASE is a libggml-base.so of llama.cpp, TYPE is one of its types, for example iq2_xxs. Every matrix gets that
type but the embedding, which is q6_k, the routers, and matrices whose rows are no whole blocks, which are q8_0. With an
importance matrix of llama.cpp, that is given to the quantiser; without one, types that want one are given ones. Needs
numpy.
"""

import ctypes
import json
import struct
import sys

import numpy as np

# number in a file, elements and bytes of a block
TYPES = {
    "f32": (0, 1, 4), "q4_0": (2, 32, 18), "q4_1": (3, 32, 20), "q5_0": (6, 32, 22), "q5_1": (7, 32, 24),
    "q8_0": (8, 32, 34), "q2_K": (10, 256, 84), "q3_K": (11, 256, 110), "q4_K": (12, 256, 144),
    "q5_K": (13, 256, 176), "q6_K": (14, 256, 210), "iq2_xxs": (16, 256, 66), "iq2_xs": (17, 256, 74),
    "iq3_xxs": (18, 256, 98), "iq1_s": (19, 256, 50), "iq4_nl": (20, 32, 18), "iq3_s": (21, 256, 110),
    "iq2_s": (22, 256, 82), "iq4_xs": (23, 256, 136), "iq1_m": (29, 256, 56), "tq1_0": (34, 256, 54),
    "tq2_0": (35, 256, 66), "mxfp4": (39, 32, 17), "nvfp4": (40, 64, 36), "q1_0": (41, 128, 18), "q2_0": (42, 64, 18),
}
NEED_IMPORTANCE = ("iq1_s", "iq1_m", "iq2_xxs", "iq2_xs")
PARTS = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "block_sparse_moe.gate": "ffn_gate_inp",
}
PROJECTIONS = {"w1": "ffn_gate_exps", "w3": "ffn_up_exps", "w2": "ffn_down_exps"}


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    for name, tensor in header.items():
        start, end = tensor["data_offsets"]
        bits = np.frombuffer(data[start:end], dtype="<u2").astype(np.uint32) << 16
        yield name, bits.view(np.float32).reshape(tensor["shape"])


def interleaved(weights, heads):
    """Rows of a head in the order in which llama.cpp rotates neighbours."""
    rows, cols = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, cols).swapaxes(1, 2).reshape(rows, cols)


def tensors(folder, config):
    experts = {}
    for name, weights in read(folder + "/model.safetensors"):
        if name == "model.embed_tokens.weight":
            yield "token_embd.weight", weights
        elif name == "model.norm.weight":
            yield "output_norm.weight", weights
        else:
            layer, part = name.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
            if ".experts." in part:
                _, _, expert, projection = part.split(".")
                experts.setdefault(f"blk.{layer}.{PROJECTIONS[projection]}.weight", {})[int(expert)] = weights
                continue
            if part in ("self_attn.q_proj", "self_attn.k_proj"):
                heads = config["num_attention_heads" if "q_proj" in part else "num_key_value_heads"]
                weights = interleaved(weights, heads)
            yield f"blk.{layer}.{PARTS[part]}.weight", weights
    for name, stack in experts.items():
        yield name, np.stack([stack[expert] for expert in sorted(stack)])


def pieces(path):
    """Text, score and kind of each piece of a SentencePiece model."""
    with open(path, "rb") as file:
        data = file.read()

    def number(at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                return value, at

    def fields(at, end):
        while at < end:
            key, at = number(at)
            if key & 7 == 0:
                value, at = number(at)
            elif key & 7 == 5:
                value, at = data[at:at + 4], at + 4
            else:
                length, at = number(at)
                value, at = (at, at + length), at + length
            yield key >> 3, value

    for field, place in fields(0, len(data)):
        if field == 1:
            piece = dict(fields(*place))
            text = data[slice(*piece[1])].decode()
            yield text, struct.unpack("<f", piece[2])[0] if 2 in piece else 0.0, piece.get(3, 1)


def string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def value(it):
    if isinstance(it, bool):
        return struct.pack("<IB", 7, it)
    if isinstance(it, int):
        return struct.pack("<II", 4, it)
    if isinstance(it, float):
        return struct.pack("<If", 6, it)
    if isinstance(it, str):
        return struct.pack("<I", 8) + string(it)
    kind = {str: 8, float: 6, int: 5}[type(it[0])]
    pack = {8: string, 6: lambda x: struct.pack("<f", x), 5: lambda x: struct.pack("<i", x)}[kind]
    return struct.pack("<IIQ", 9, kind, len(it)) + b"".join(map(pack, it))


def metadata(folder, config):
    texts, scores, kinds = zip(*pieces(folder + "/tokenizer.model"))
    return {
        "general.architecture": "llama", "llama.context_length": config["max_position_embeddings"],
        "llama.embedding_length": config["hidden_size"], "llama.block_count": config["num_hidden_layers"],
        "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": config["num_attention_heads"],
        "llama.attention.head_count_kv": config["num_key_value_heads"],
        "llama.attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "llama.rope.freq_base": float(config["rope_theta"]), "llama.expert_count": config["num_local_experts"],
        "llama.expert_used_count": config["num_experts_per_tok"], "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": list(texts), "tokenizer.ggml.scores": list(scores),
        "tokenizer.ggml.token_type": list(kinds), "tokenizer.ggml.bos_token_id": config["bos_token_id"],
        "tokenizer.ggml.eos_token_id": config["eos_token_id"], "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_eos_token": False,
    }


def importance(path):
    """Mean squares by the names of matrices: [experts, columns]."""
    with open(path, "rb") as file:
        data = file.read()
    _, _, count, keys = struct.unpack_from("<IIQQ", data, 0)
    at = 24
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

    def text(at):
        (length,) = struct.unpack_from("<Q", data, at)
        return data[at + 8:at + 8 + length].decode(), at + 8 + length

    def skip(kind, at):
        if kind == 8:
            return text(at)[1]
        if kind == 9:
            element, length = struct.unpack_from("<IQ", data, at)
            at += 12
            for _ in range(length):
                at = skip(element, at)
            return at
        return at + sizes[kind]

    for _ in range(keys):
        _, at = text(at)
        at = skip(struct.unpack_from("<I", data, at)[0], at + 4)
    infos = []
    for _ in range(count):
        name, at = text(at)
        (rank,) = struct.unpack_from("<I", data, at)
        shape = struct.unpack_from(f"<{rank}Q", data, at + 4)
        _, offset = struct.unpack_from("<IQ", data, at + 4 + 8 * rank)
        at += 16 + 8 * rank
        infos.append((name, shape[::-1], offset))
    start = -(-at // 32) * 32
    read = {name: np.frombuffer(data, "<f4", int(np.prod(shape)), start + offset).reshape(shape)
            for name, shape, offset in infos}
    means = {}
    for name, sums in read.items():
        if name.endswith(".in_sum2"):
            matrix = name.removesuffix(".in_sum2")
            counts = read[matrix + ".counts"].reshape(-1, 1)
            means[matrix] = np.where(counts > 0, sums.reshape(len(counts), -1) / np.maximum(counts, 1), 1)
    return means


def quantise(ggml, name, weights, label, means):
    _, elements, size = TYPES[label]
    stack = weights if weights.ndim == 3 else weights[None]
    given = means.get(name)
    if given is None and label in NEED_IMPORTANCE:
        given = np.ones((len(stack), stack.shape[2]))
    out = []
    for i, matrix in enumerate(stack):
        matrix = np.ascontiguousarray(matrix, np.float32)
        blocks = ctypes.create_string_buffer(matrix.size // elements * size)
        row = None if given is None else np.ascontiguousarray(given[i], np.float32)
        getattr(ggml, "quantize_" + label)(
            matrix.ctypes.data_as(ctypes.c_void_p), blocks, ctypes.c_int64(matrix.shape[0]),
            ctypes.c_int64(matrix.shape[1]), None if row is None else row.ctypes.data_as(ctypes.c_void_p))
        out.append(blocks.raw)
    return b"".join(out)


def main(library, folder, label, path, imatrix=None):
    ggml = ctypes.CDLL(library)
    ggml.ggml_quantize_init(TYPES[label][0])
    with open(folder + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    means = importance(imatrix) if imatrix else {}
    infos, data = b"", bytearray()
    count = 0
    for name, weights in tensors(folder, config):
        chosen = "f32" if weights.ndim == 1 or "inp" in name else "q6_K" if name == "token_embd.weight" else label
        if weights.shape[-1] % TYPES[chosen][1] != 0:
            chosen = "q8_0"
        number = TYPES[chosen][0]
        infos += string(name) + struct.pack(f"<I{weights.ndim}QIQ", weights.ndim, *weights.shape[::-1], number, len(data))
        data += weights.astype("<f4").tobytes() if chosen == "f32" else quantise(ggml, name, weights, chosen, means)
        data += bytes(-len(data) % 32)
        count += 1
    values = metadata(folder, config)
    header = b"GGUF" + struct.pack("<IQQ", 3, count, len(values))
    header += b"".join(string(key) + value(it) for key, it in values.items()) + infos
    with open(path, "wb") as out:
        out.write(header + bytes(-len(header) % 32) + data)


if __name__ == "__main__":
    main(*sys.argv[1:])
