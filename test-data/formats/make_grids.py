"""Makes code-grids.bin, which CodeGrid reads, of the tables in ggml's definition of the types.

Usage: python3 make_grids.py ggml-common.h code-grids.bin

A point of a grid becomes sixteen bits, little-endian: eight codes of two bits, or four of three, the first one lowest.
"""

import re
import struct
import sys

# name, weights of a point, what their codes stand for; in the order of the file
GRIDS = (
    ("iq2xxs_grid", 8, (8, 25, 43)),
    ("iq2xs_grid", 8, (8, 25, 43)),
    ("iq2s_grid", 8, (8, 25, 43)),
    ("iq3xxs_grid", 4, (4, 12, 20, 28, 36, 44, 52, 62)),
    ("iq3s_grid", 4, (1, 3, 5, 7, 9, 11, 13, 15)),
    ("iq1s_grid", 8, (255, 0, 1)),
)


def points(source, name):
    table = re.search(r"GGML_TABLE_BEGIN\(\w+, " + name + r", \w+\)(.*?)GGML_TABLE_END", source, re.S).group(1)
    return [int(number, 16) for number in re.findall(r"0x[0-9a-fA-F]+", table)]


def main(header, path):
    with open(header, encoding="utf-8") as file:
        source = file.read()
    with open(path, "wb") as out:
        for name, count, values in GRIDS:
            bits = 16 // count if count == 8 else 3
            for point in points(source, name):
                codes = (values.index(point >> 8 * i & 255) for i in range(count))
                out.write(struct.pack("<H", sum(code << bits * i for i, code in enumerate(codes))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
