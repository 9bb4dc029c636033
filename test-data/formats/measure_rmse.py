"""Measures how far ggml's own quantisers are from the weights of the test model.

Usage: python3 measure_rmse.py LIBGGML_BASE model.safetensors

LIBGGML_BASE is a libggml-base.so of llama.cpp. Prints, for some matrices and for all whose rows are whole blocks, the
root mean square error of each type: the numbers in RowEncoderTest. Needs numpy.
"""

import ctypes
import json
import struct
import sys

import numpy as np

TYPES = {"q8_0": (32, 34), "q4_0": (32, 18), "q4_K": (256, 144), "q6_K": (256, 210)}
SHOWN = ("embed_tokens", "layers.0.self_attn", "layers.0.block_sparse_moe.experts.0.",
         "layers.7.block_sparse_moe.experts.15.")


def matrices(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    for name, tensor in sorted(header.items()):
        if len(tensor["shape"]) == 2:
            start, end = tensor["data_offsets"]
            bits = np.frombuffer(data[start:end], dtype="<u2").astype(np.uint32) << 16
            yield name, bits.view(np.float32).reshape(tensor["shape"])


def squares(ggml, label, weights):
    elements, size = TYPES[label]
    count = weights.size
    blocks = ctypes.create_string_buffer(count // elements * size)
    decoded = np.empty(count, np.float32)
    floats = weights.ctypes.data_as(ctypes.c_void_p)
    getattr(ggml, f"quantize_row_{label}_ref")(floats, blocks, ctypes.c_int64(count))
    getattr(ggml, f"dequantize_row_{label}")(blocks, decoded.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(count))
    return np.sum((decoded.astype(np.float64) - weights.ravel()) ** 2)


def main(library, model):
    ggml = ctypes.CDLL(library)
    totals = {label: [0.0, 0] for label in TYPES}
    for name, weights in matrices(model):
        weights = np.ascontiguousarray(weights)
        for label, (elements, _) in TYPES.items():
            if weights.shape[1] % elements == 0:
                error = squares(ggml, label, weights)
                totals[label][0] += error
                totals[label][1] += weights.size
                if any(shown in name for shown in SHOWN):
                    print(f"{label} {name} {np.sqrt(error / weights.size):.6g}")
    for label, (error, count) in totals.items():
        print(f"{label} all {np.sqrt(error / count):.6g}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
