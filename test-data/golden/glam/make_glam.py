"""Makes this golden case: a tiny random GLaM (Du et al. 2021, arXiv:2112.06905) and what it computes.

Usage: python3 make_glam.py [DIRECTORY]

Needs numpy alone. The weights are drawn from seed 1, attempt after attempt, until no choice of experts and no greedy
token is close, and rounded to bfloat16; everything else is computed from the rounded weights in float64, one
line for each formula, without anything of Moetier.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))
from golden_case import rms_norm, softmax, to_bfloat16, to_float32

SEED = 1
PROMPT = 28
GENERATED = 24
ROUTER_MARGIN = 1e-3  # between the probabilities of the second and the third expert
LOGIT_MARGIN = 0.02  # between the best and the second token
CONFIG = {
    "architectures": ["GlamForCausalLM"],
    "bos_token_id": 316,
    "eos_token_id": 318,
    "expert_hidden_act": "relu",
    "head_dim": 24,
    "hidden_act": "gelu_pytorch_tanh",
    "hidden_size": 64,
    "intermediate_size": 32,
    "max_position_embeddings": 1024,
    "model_type": "glam",
    "moe_layer_interval": 2,
    "num_attention_heads": 4,
    "num_experts": 64,
    "num_experts_per_tok": 2,
    "num_hidden_layers": 4,
    "relative_attention_max_distance": 20,
    "relative_attention_num_buckets": 8,
    "rms_norm_eps": 1e-06,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "vocab_size": 320,
}


def draw(random, c):
    hidden, width = c["hidden_size"], c["intermediate_size"]
    heads = c["num_attention_heads"] * c["head_dim"]
    weights = {}

    def add(name, *shape, scale=None, centre=0.0):
        scale = shape[-1] ** -0.5 if scale is None else scale
        weights[name + ".weight"] = to_bfloat16(centre + scale * random.standard_normal(shape))

    add("model.embed_tokens", c["vocab_size"], hidden, scale=0.3)
    add("model.norm", hidden, scale=0.1, centre=1.0)
    for layer in range(c["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        add(p + "input_layernorm", hidden, scale=0.1, centre=1.0)
        add(p + "post_attention_layernorm", hidden, scale=0.1, centre=1.0)
        for name in ("q_proj", "k_proj", "v_proj"):
            add(p + "self_attn." + name, heads, hidden)
        add(p + "self_attn.o_proj", hidden, heads)
        add(p + "self_attn.relative_attention_bias", c["relative_attention_num_buckets"], heads // c["head_dim"], scale=1.0)
        if (layer + 1) % c["moe_layer_interval"] == 0:
            add(p + "mlp.gate", c["num_experts"], hidden, scale=0.5)
            for expert in range(c["num_experts"]):
                add(p + f"mlp.experts.expert_{expert}.up_proj", width, hidden, scale=0.25)
                add(p + f"mlp.experts.expert_{expert}.down_proj", hidden, width, scale=0.35)
        else:
            add(p + "mlp.gate_proj", width, hidden, scale=0.25)
            add(p + "mlp.up_proj", width, hidden, scale=0.25)
            add(p + "mlp.down_proj", hidden, width, scale=0.35)
    return weights


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def bucket(distance, buckets, most):
    """Of a key `distance` before the query, as T5 counts (Raffel et al. 2020), keys after the query being unseen."""
    exact = buckets // 2
    if distance < exact:
        return distance
    far = exact + int(np.log(distance / exact) / np.log(most / exact) * (buckets - exact))
    return min(far, buckets - 1)


def attention(w, p, c, x):
    tokens, heads, dim = len(x), c["num_attention_heads"], c["head_dim"]
    q, k, v = ((x @ w[p + n + "_proj.weight"].T).reshape(tokens, heads, dim) for n in "qkv")
    table = w[p + "relative_attention_bias.weight"]
    scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(dim)
    for query in range(tokens):
        for key in range(tokens):
            if key > query:
                scores[:, query, key] = -np.inf
            else:
                scores[:, query, key] += table[
                    bucket(
                        query - key, c["relative_attention_num_buckets"], c["relative_attention_max_distance"]
                    )
                ]
    return np.einsum("hqk,khd->qhd", softmax(scores), v).reshape(tokens, -1) @ w[p + "o_proj.weight"].T


def mixture(w, p, c, x):
    probabilities = softmax(x @ w[p + "gate.weight"].T)
    order = np.argsort(-probabilities, -1, kind="stable")
    ids = order[:, : c["num_experts_per_tok"]]
    sorted_probabilities = np.take_along_axis(probabilities, order, -1)
    gates = sorted_probabilities[:, : c["num_experts_per_tok"]]
    margin = (gates[:, -1] - sorted_probabilities[:, c["num_experts_per_tok"]]).min()
    gates = gates / gates.sum(-1, keepdims=True)
    out = np.zeros_like(x)
    for t, (chosen, weight) in enumerate(zip(ids, gates)):
        for e, g in zip(chosen, weight):
            q = p + f"experts.expert_{e}."
            out[t] += g * (w[q + "down_proj.weight"] @ np.maximum(w[q + "up_proj.weight"] @ x[t], 0))
    return out, ids, gates, margin


def forward(w, c, tokens):
    """Returns logits [tokens, vocabulary], the router entries, and the smallest margin of a choice."""
    eps = c["rms_norm_eps"]
    x = w["model.embed_tokens.weight"][tokens]
    routers, least = [], np.inf
    for layer in range(c["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        x = x + attention(w, p + "self_attn.", c, rms_norm(x, w[p + "input_layernorm.weight"], eps))
        y = rms_norm(x, w[p + "post_attention_layernorm.weight"], eps)
        if (layer + 1) % c["moe_layer_interval"] == 0:
            out, ids, gates, margin = mixture(w, p + "mlp.", c, y)
            routers.append({"layer": layer, "expert_ids": ids.tolist(), "weights": gates.tolist()})
            least = min(least, margin)
        else:
            q = p + "mlp."
            out = (gelu(y @ w[q + "gate_proj.weight"].T) * (y @ w[q + "up_proj.weight"].T)) @ w[q + "down_proj.weight"].T
        x = x + out
    return rms_norm(x, w["model.norm.weight"], eps) @ w["model.embed_tokens.weight"].T, routers, least


def generate(w, c, prompt):
    """Returns greedy tokens, the logits each was taken from, and the smallest margins of choices and of tokens."""
    tokens, rows, router_margin, logit_margin = list(prompt), [], np.inf, np.inf
    for _ in range(GENERATED):
        logits, _, margin = forward(w, c, tokens)
        best = np.sort(logits[-1])
        router_margin, logit_margin = min(router_margin, margin), min(logit_margin, best[-1] - best[-2])
        if router_margin <= ROUTER_MARGIN or logit_margin <= LOGIT_MARGIN:
            return None
        rows.append(logits[-1])
        tokens.append(int(logits[-1].argmax()))
    made = tokens[len(prompt) :]
    if len(set(made)) < 8 or c["eos_token_id"] in made:
        return None
    return made, np.array(rows), router_margin, logit_margin


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, (dtype, array) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, (_, array) in sorted(tensors.items()):
            out.write(array.tobytes())


def main():
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    attempt = 0
    while True:
        attempt += 1
        random = np.random.default_rng([SEED, attempt])
        prompt = random.integers(0, 316, PROMPT).tolist()
        bits = draw(random, CONFIG)
        w = {name: to_float32(values).astype(np.float64) for name, values in bits.items()}
        made = generate(w, CONFIG, prompt)
        if made is not None:
            break
    greedy, rows, router_margin, logit_margin = made
    logits, routers, _ = forward(w, CONFIG, prompt)
    reference = {
        "name": "glam",
        "model_type": "glam",
        "seed": SEED,
        "attempt": attempt,
        "numpy_version": np.__version__,
        "weights_dtype": "bf16",
        "input_ids": prompt,
        "greedy_ids": greedy,
        "greedy_min_margin": float(logit_margin),
        "router_min_margin_prompt_and_generated": float(router_margin),
        "logits_abs_max": float(np.abs(logits).max()),
        "router": routers,
    }
    directory.joinpath("config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    directory.joinpath("reference.json").write_text(json.dumps(reference, indent=1) + "\n")
    write_safetensors(directory / "model.safetensors", {name: ("BF16", values) for name, values in bits.items()})
    write_safetensors(
        directory / "logits.safetensors",
        {"logits": ("F32", logits.astype("<f4")), "greedy_logits": ("F32", rows.astype("<f4"))},
    )
    print(f"attempt {attempt}: margins {router_margin:.4g} and {logit_margin:.4g}, {len(set(greedy))} distinct tokens")


if __name__ == "__main__":
    main()
