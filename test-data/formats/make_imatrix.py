"""Makes an importance matrix of the test model in llama.cpp's GGUF form, by an independent forward pass.

Usage: python3 make_imatrix.py tiny-mixtral TEXT imatrix.gguf

The text is read in windows of 512 tokens. Needs numpy.
"""

import json
import struct
import sys

import numpy as np

from make_gguf import PARTS, PROJECTIONS, pieces, read, string, value

WINDOW = 512


def words(text, scores):
    """Ids of each word's pieces, joined by the best scores as SentencePiece does."""
    cache = {}
    for word in text.split(" "):
        if word not in cache:
            parts = list("\u2581" + word)
            while True:
                pairs = [(scores.get(a + b, (-1e9, 0))[0], -i) for i, (a, b) in enumerate(zip(parts, parts[1:]))]
                if not pairs or max(pairs)[0] <= -1e9:
                    break
                i = -max(pairs)[1]
                parts[i:i + 2] = [parts[i] + parts[i + 1]]
            cache[word] = [scores[part][1] if part in scores else 0 for part in parts]
        yield from cache[word]


def rms(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + eps) * weight


def rotated(x, theta):
    positions, _, dim = x.shape
    angles = np.arange(positions)[:, None] / theta ** (np.arange(0, dim, 2) / dim)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    a, b = x[..., :dim // 2], x[..., dim // 2:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Sums:
    def __init__(self):
        self.sums, self.counts = {}, {}

    def add(self, name, x, expert=0, experts=1):
        if name not in self.sums:
            self.sums[name] = np.zeros((experts, x.shape[1]))
            self.counts[name] = np.zeros(experts)
        self.sums[name][expert] += (x * x).sum(0)
        self.counts[name][expert] += len(x)


def forward(config, w, ids, sums):
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    experts, chosen, eps = config["num_local_experts"], config["num_experts_per_tok"], config["rms_norm_eps"]
    x = w["model.embed_tokens.weight"][ids]
    n, dim = len(ids), x.shape[1] // heads
    for layer in range(config["num_hidden_layers"]):
        own = f"model.layers.{layer}."

        def times(y, part):
            sums.add(f"blk.{layer}.{PARTS[part]}.weight", y)
            return y @ w[own + part + ".weight"].T

        h = rms(x, w[own + "input_layernorm.weight"], eps)
        q = rotated(times(h, "self_attn.q_proj").reshape(n, heads, dim), config["rope_theta"])
        k = rotated(times(h, "self_attn.k_proj").reshape(n, kv, dim), config["rope_theta"])
        v = times(h, "self_attn.v_proj").reshape(n, kv, dim)
        k, v = (np.repeat(t, heads // kv, 1) for t in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(dim) + np.triu(np.full((n, n), -np.inf), 1)
        x = x + times(np.einsum("hij,jhd->ihd", softmax(scores), v).reshape(n, -1), "self_attn.o_proj")
        h = rms(x, w[own + "post_attention_layernorm.weight"], eps)
        p = softmax(times(h, "block_sparse_moe.gate"))
        best = np.argsort(-p, -1)[:, :chosen]
        out = np.zeros_like(x)
        for expert in range(experts):
            rows, places = np.nonzero(best == expert)
            if len(rows) == 0:
                continue
            y = h[rows]
            prefix = f"{own}block_sparse_moe.experts.{expert}."
            gate, up = y @ w[prefix + "w1.weight"].T, y @ w[prefix + "w3.weight"].T
            hidden = gate / (1 + np.exp(-gate)) * up
            for projection, into in (("w1", y), ("w3", y), ("w2", hidden)):
                sums.add(f"blk.{layer}.{PROJECTIONS[projection]}.weight", into, expert, experts)
            share = p[rows, best[rows, places]] / p[rows[:, None], best[rows]].sum(-1)
            out[rows] += share[:, None] * (hidden @ w[prefix + "w2.weight"].T)
        x = x + out


def write(path, sums, text):
    tensors = []
    for name in sorted(sums.sums):
        tensors.append((name + ".in_sum2", sums.sums[name]))
        tensors.append((name + ".counts", sums.counts[name][:, None]))
    infos, data = b"", bytearray()
    for name, array in tensors:
        infos += string(name) + struct.pack("<IQQIQ", 2, array.shape[1], array.shape[0], 0, len(data))
        data += array.astype("<f4").tobytes()
        data += bytes(-len(data) % 32)
    values = {"general.type": "imatrix", "imatrix.datasets": [text], "imatrix.chunk_count": 1,
              "imatrix.chunk_size": WINDOW}
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    header += b"".join(string(key) + value(it) for key, it in values.items()) + infos
    with open(path, "wb") as out:
        out.write(header + bytes(-len(header) % 32) + data)


def main(folder, text, path):
    with open(folder + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    scores = {piece: (score, i) for i, (piece, score, _) in enumerate(pieces(folder + "/tokenizer.model"))}
    with open(text, encoding="utf-8", errors="replace") as file:
        ids = list(words(file.read(), scores))
    w = {name: weights.astype(np.float32) for name, weights in read(folder + "/model.safetensors")}
    sums = Sums()
    for first in range(0, len(ids), WINDOW - 1):
        forward(config, w, [config["bos_token_id"]] + ids[first:first + WINDOW - 1], sums)
    write(path, sums, text.rsplit("/", 1)[-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
