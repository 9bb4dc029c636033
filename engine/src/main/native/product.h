/*
 * What the files of kernels share. Columns are packed in groups of eight, the last group with as many as remain. A group
 * from column c on starts at element c * cols of its array (or that over the size of a block).
 */
#ifndef MOETIER_PRODUCT_H
#define MOETIER_PRODUCT_H

#include "kernels.h"

#define LEVEL(name) MOETIER_PASTE(name, MOETIER_LEVEL)
#define GROUP 8

struct product {
    const uint8_t *w;
    int tiles, cols, n, first, last;
    const float *floats;
    const int8_t *bytes;
    const float *scales;
    const int32_t *sums;
    float *y;
};

/* Returns how many columns are packed in the group that starts at `column`. */
static inline int group_width(int n, int column) {
    return n - column < GROUP ? n - column : GROUP;
}

/* Columns of float32: [cols][width] in a group. */
void LEVEL(pack_floats)(const float *x, int cols, int n, int column, float *floats);
void LEVEL(multiply_floats)(int type, const struct product *p);

/* Columns of int8 blocks: bytes [cols / 32][width][32], scales [cols / 32][width], sums [cols / 32][width][2]. */
void LEVEL(pack_blocks)(int type, const float *x, int cols, int n, int column, int8_t *bytes, float *scales,
                        int32_t *sums);
void LEVEL(multiply_blocks)(int type, const struct product *p);

#endif
