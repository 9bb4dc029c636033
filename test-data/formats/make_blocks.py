"""Makes blocks.bin.gz: quantised blocks and the floats that ggml's own C code makes of them.

Usage: python3 make_blocks.py LIBGGML_BASE blocks.bin.gz

LIBGGML_BASE is a libggml-base.so of llama.cpp, built for plain x86-64, so that no multiplication and addition are
fused. For every type the file holds its label (8 bytes, padded with spaces), the number of blocks (int32), the
blocks, and their elements (float32), all little-endian.
"""

import ctypes
import gzip
import random
import struct
import sys

# label: elements, bytes of a block, where its float16 scales are
TYPES = {
    "q8_0": (32, 34, (0,)),
    "q4_0": (32, 18, (0,)),
    "q4_1": (32, 20, (0, 2)),
    "q5_0": (32, 22, (0,)),
    "q5_1": (32, 24, (0, 2)),
    "q2_k": (256, 84, (80, 82)),
    "q3_k": (256, 110, (108,)),
    "q4_k": (256, 144, (0, 2)),
    "q5_k": (256, 176, (0, 2)),
    "q6_k": (256, 210, (208,)),
    "iq4_nl": (32, 18, (0,)),
    "iq4_xs": (256, 136, (0,)),
    "mxfp4": (32, 17, ()),
    "nvfp4": (64, 36, ()),
    "q1_0": (128, 18, (0,)),
    "q2_0": (64, 18, (0,)),
    "tq1_0": (256, 54, (52,)),
    "tq2_0": (256, 66, (64,)),
    "iq1_s": (256, 50, (0,)),
    "iq1_m": (256, 56, (48,)),
    "iq2_xxs": (256, 66, (0,)),
    "iq2_xs": (256, 74, (0,)),
    "iq2_s": (256, 82, (0,)),
    "iq3_xxs": (256, 98, (0,)),
    "iq3_s": (256, 110, (0,)),
}
# 0, -0, the least and the largest subnormal, the least normal, 1, the largest, the lowest, infinity, NaN
SCALES = (0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x7C00, 0xFE00)
EXPONENTS = (0, 1, 2, 3, 126, 127, 128, 251, 252, 253, 254, 255)
PATTERNS = (0x00, 0xFF, 0x0F, 0xF0, 0x55, 0xAA, 0x80, 0x01)


def block(label, payload, halves):
    made = bytearray(payload)
    for at, half in zip(TYPES[label][2], halves):
        if label == "iq1_m":  # whose scale lies in quarters above the scales of groups
            for i in range(4):
                made[at + 2 * i + 1] = made[at + 2 * i + 1] & 15 | (half >> 4 * i & 15) << 4
        else:
            struct.pack_into("<H", made, at, half)
    return bytes(made)


def sane(rng):
    (half,) = struct.unpack("<H", struct.pack("<e", rng.choice((-1, 1)) * 2 ** rng.uniform(-14, 0)))
    return half


def blocks_of(label, rng):
    elements, size, scales = TYPES[label]
    for i in range(3 if elements == 256 else 12):
        yield block(label, rng.randbytes(size), [sane(rng) for _ in scales])
    for byte in PATTERNS:
        yield block(label, bytes([byte]) * size, [sane(rng) for _ in scales])
    for i, half in enumerate(SCALES if scales else ()):
        yield block(label, rng.randbytes(size), [half, SCALES[(i + 3) % len(SCALES)]])
    for exponent in EXPONENTS if label == "mxfp4" else ():
        yield bytes([exponent]) + bytes(range(0xFE, 0xFE - 16 * 15, -15))
    for first in range(0, 256, 4) if label == "nvfp4" else ():  # every scale
        yield bytes(range(first, first + 4)) + bytes(range(0xFE, 0xFE - 32 * 5, -5))
    for first in range(0, 256, 32) if label[:3] in ("iq1", "iq2", "iq3") else ():  # every byte of a point
        yield block(label, bytes((first + i) % 256 for i in range(size)), [sane(rng) for _ in scales])
    yield b"\xff" * size


def main(library, path):
    ggml = ctypes.CDLL(library)
    with gzip.GzipFile(path, "wb", mtime=0) as out:
        for label, (elements, size, _) in TYPES.items():
            blocks = list(blocks_of(label, random.Random(label)))
            count = len(blocks) * elements
            floats = (ctypes.c_float * count)()
            decode = getattr(ggml, "dequantize_row_" + label.replace("_k", "_K"))
            decode(b"".join(blocks), floats, ctypes.c_int64(count))
            out.write(label.ljust(8).encode() + struct.pack("<i", len(blocks)))
            out.write(b"".join(blocks) + bytes(floats))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
