/* What weights in blocks of 32 are decoded to. */
#ifndef MOETIER_VALUES_H
#define MOETIER_VALUES_H

#include "vectors.h"

#define BLOCK 32
#define VECTORS (BLOCK / 4)

/* 32 weights of LANES rows. */
struct weights {
    vbyte values[VECTORS];
    /* Of all of them, or of both halves. */
    vfloat scales[2];
    /* What is subtracted from a weight: from all of them, or in both halves. */
    vfloat offsets[2];
};

/* Returns element i of an array [..][16][4]. */
INLINE vbyte element(const uint8_t *array, int i, int part) {
    return load_bytes(array + 4 * ROWS * i + 4 * LANES * part);
}

/* Twice the values of four bits of floating point, and twelve more. */
static const uint8_t doubled_fp4[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

#endif
