/*
 * Products of float32, float16 and bfloat16 weights with float32 activations. A result is the sum of the sums of DEPTH
 * elements, in order; each of these is the sum of the even elements plus that of the odd ones.
 */
#include "product.h"
#include "vectors.h"

/* So many elements of a tile and of a group of columns fit into the first cache together. */
#define DEPTH 256
/* Fresh weights are fetched so many bytes ahead, into the second cache: so many lines are on their way. */
#define AHEAD 3072

void LEVEL(pack_floats)(const float *x, int cols, int n, int column, float *floats) {
    for (int k = 0; k < cols; k++) {
        floats[block_at(COLUMNS, n, cols, column, k)] = x[k];
    }
}

INLINE int element_bytes(int type) {
    return type == F32 ? 4 : 2;
}

/* Returns weights `k` (even) and k + 1 of LANES rows, or only `k`. */
INLINE void decode(int type, const uint8_t *w, int k, int count, int part, vfloat *to) {
    if (type == BF16) {
        vint pairs = load_ints(w + 2 * ROWS * k + 4 * LANES * part);
        to[0] = (vfloat)(pairs << 16);
        to[1] = (vfloat)(pairs & (int32_t)0xFFFF0000);
        return;
    }
    UNROLL
    for (int i = 0; i < count; i++) {
        const int at = ROWS * (k + i) + LANES * part;
        to[i] = type == F16 ? halves_at(w + 2 * at) : load_floats(w + 4 * at);
    }
}

/* Adds the products of `depth` elements of a tile with `width` columns to y + at[column]. */
INLINE void multiply_part(int type, int parts, int width, int stride, int fresh, const uint8_t *w, int depth,
                          const float *x, int part, int first, float *y, const int32_t *at) {
    vfloat sums[2][PARTS][COLUMNS] = {0};
    for (int k = 0; k < depth - 1; k += 2, x += 2 * stride) {
        if (fresh) {
            UNROLL
            for (int i = 0; i < 2 * ROWS * element_bytes(type); i += 64) {
                __builtin_prefetch(w + k * ROWS * element_bytes(type) + AHEAD + i, 0, 2);
            }
        }
        UNROLL
        for (int p = 0; p < parts; p++) {
            vfloat weights[2];
            decode(type, w, k, 2, part + p, weights);
            UNROLL
            for (int j = 0; j < width; j++) {
                sums[0][p][j] = multiply_add(weights[0], all_floats(x[j]), sums[0][p][j]);
                sums[1][p][j] = multiply_add(weights[1], all_floats(x[stride + j]), sums[1][p][j]);
            }
        }
    }
    UNROLL
    for (int p = 0; p < parts; p++) {
        vfloat weights[2] = {0};
        if (depth % 2) {
            decode(type, w, depth - 1, 1, part + p, weights);
        }
        UNROLL
        for (int j = 0; j < width; j++) {
            float *to = y + at[j] + (part + p) * LANES;
            if (depth % 2) {
                sums[0][p][j] = multiply_add(weights[0], all_floats(x[j]), sums[0][p][j]);
            }
            vfloat sum = sums[0][p][j] + sums[1][p][j];
            store_floats(to, first ? sum : load_floats(to) + sum);
        }
    }
}

/* One column takes its weights in one stream, several take them part after part to have registers for their sums. */
INLINE void multiply_group(int type, int width, int stride, int fresh, const uint8_t *w, int depth, const float *x,
                           int first, float *y, const int32_t *at) {
    if (width == 1) {
        multiply_part(type, PARTS, 1, stride, fresh, w, depth, x, 0, first, y, at);
        return;
    }
    for (int part = 0; part < PARTS; part++) {
        UNROLL
        for (int j = 0; j < width; j += FLOAT_COLUMNS) {
            const int columns = width - j < FLOAT_COLUMNS ? width - j : FLOAT_COLUMNS;
            multiply_part(type, 1, columns, stride, fresh && part + j == 0, w, depth, x + j, part, first, y, at + j);
        }
    }
}

INLINE void multiply_columns(int type, const struct product *p, const uint8_t *w, int k, float *y) {
    const int depth = p->cols - k < DEPTH ? p->cols - k : DEPTH;
    for (int column = p->first; column < p->last; column += COLUMNS) {
        const int stride = group_width(COLUMNS, p->n, column), fresh = column == p->first;
        const float *x = p->floats + block_at(COLUMNS, p->n, p->cols, column, k);
        switch (columns_together(p->last, column)) {
#define WIDTH(number)                                                                        \
    case number:                                                                             \
        multiply_group(type, number, stride, fresh, w, depth, x, k == 0, y, p->at + column); \
        break;
            WIDTHS(WIDTH)
#undef WIDTH
        }
    }
}

INLINE void multiply(int type, const struct product *p) {
    const int cols = type == BF16 ? p->cols + p->cols % 2 : p->cols;
    for (int tile = 0; tile < p->tiles; tile++) {
        for (int k = 0; k < p->cols; k += DEPTH) {
            const uint8_t *w = p->w + ((long)tile * cols + k) * ROWS * element_bytes(type);
            multiply_columns(type, p, w, k, p->y + tile * ROWS);
        }
    }
}

void LEVEL(multiply_floats)(int type, const struct product *p) {
    switch (type) {
        case F32:
            multiply(F32, p);
            break;
        case F16:
            multiply(F16, p);
            break;
        default:
            multiply(BF16, p);
    }
}
