/* The matrix product: chooses between weights in blocks and plain numbers. */
#include "product.h"
#include "weights.h"

/*
 * Memory serves so many ascending streams of a core fastest: measured on Sapphire Rapids, which has AMX, and on Zen 5,
 * which does not.
 */
#ifdef __AMX_INT8__
#define STREAMS 4
#else
#define STREAMS 2
#endif

enum kind { NONE, FLOATS, BLOCKS };

static enum kind kind(int type) {
    switch (type) {
        case F32:
        case F16:
        case BF16:
            return FLOATS;
#define CASE(type) case type:
            BLOCK_TYPES(CASE)
            return BLOCKS;
        default:
            return NONE;
    }
}

int KERNEL(multiplies)(int type) {
    return kind(type) != NONE;
}

void KERNEL(pack)(int type, const float *x, int stride, const int32_t *rows, int row, int cols, int n, int first,
                  int last, float *floats, int8_t *bytes, float *scales, int32_t *sums) {
    for (int column = first; column < last; column++) {
        const float *from = x + (long)(rows ? rows[row + column] : row + column) * stride;
        if (kind(type) == FLOATS) {
            BELOW_AMX(pack_floats)(from, cols, n, column, floats);
        } else {
            BELOW_AMX(pack_blocks)(type, from, cols, n, column, bytes, scales, sums);
        }
    }
}

void KERNEL(multiply)(int type, const void *w, int tiles, int cols, int n, int first, int last, const float *floats,
                      const int8_t *bytes, const float *scales, const int32_t *sums, float *y, int offset,
                      const int32_t *at) {
    struct product p = {w, tiles, cols, n, first, last, floats, bytes, scales, sums, y + offset, at, STREAMS};
    if (kind(type) == FLOATS) {
        BELOW_AMX(multiply_floats)(type, &p);
        return;
    }
#ifdef __AMX_INT8__
    if (LEVEL(multiply_amx)(type, &p)) {
        return;
    }
#endif
    BELOW_AMX(multiply_blocks)(type, &p);
}
