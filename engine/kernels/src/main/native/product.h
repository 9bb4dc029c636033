/*
 * What the files of kernels share. Columns are packed in groups, the last with as many as remain: of GROUP for weights
 * in blocks, of COLUMNS for plain numbers. A group from column c on starts at element c * cols of its array (or that
 * over the size of a block).
 */
#ifndef MOETIER_PRODUCT_H
#define MOETIER_PRODUCT_H

#include "kernels.h"

#define LEVEL(name) MOETIER_PASTE(name, MOETIER_LEVEL)

/* What level amx takes from avx512: all that has nothing of AMX. */
#ifdef __AMX_INT8__
#define BELOW_AMX(name) MOETIER_PASTE(name, avx512)
#else
#define BELOW_AMX(name) LEVEL(name)
#endif

/* Columns that a decoded weight is multiplied with. */
#define COLUMNS 8

/* Numbers of columns that have a loop of their own. */
#define WIDTHS(EACH) EACH(1) EACH(2) EACH(3) EACH(4) EACH(5) EACH(6) EACH(7) EACH(8)

/* Columns of a group: where there may be AMX, all that it multiplies by. Streams that one column's weights come in. */
#ifdef __AVX512VNNI__
#define GROUP 16
#define MOST_STREAMS 4
#else
#define GROUP COLUMNS
#define MOST_STREAMS 2
#endif

struct product {
    const uint8_t *w;
    int tiles, cols, n, first, last;
    const float *floats;
    const int8_t *bytes;
    const float *scales;
    const int32_t *sums;
    float *y;
    const int32_t *at; /* where the results of a column start in y */
    int streams; /* MOST_STREAMS or 2 */
};

/*
 * A function of its own for each type, with the inlined `multiply` in it, and the case that calls it: compilers take
 * twice as long for one function of all types.
 */
#define FUNCTION(type)                                                               \
    static __attribute__((noinline)) void multiply_##type(const struct product *p) { \
        multiply(type, p);                                                           \
    }
#define MULTIPLY(type)      \
    case type:              \
        multiply_##type(p); \
        break;

/* Returns how many columns are packed in the group of `column`, if groups are of `group`. */
static inline int group_width(int group, int n, int column) {
    int rest = n - column / group * group;
    return rest < group ? rest : group;
}

/* Returns how many of the columns from `column` to `last` are multiplied together. */
static inline int columns_together(int last, int column) {
    return last - column < COLUMNS ? last - column : COLUMNS;
}

/* Returns where block (or element) `b` of the `blocks` of a column is among those of all `n` columns. */
static inline long block_at(int group, int n, int blocks, int column, int b) {
    int first = column / group * group;
    return (long)first * blocks + (long)b * group_width(group, n, column) + (column - first);
}

/* Columns of float32: [cols][width] in a group. */
void BELOW_AMX(pack_floats)(const float *x, int cols, int n, int column, float *floats);
void BELOW_AMX(multiply_floats)(int type, const struct product *p);

/*
 * Columns of int8 blocks: bytes [cols / 32][width][digits][32], scales [cols / 32][width],
 * sums [cols / 32][width][digits][2].
 */
void BELOW_AMX(pack_blocks)(int type, const float *x, int cols, int n, int column, int8_t *bytes, float *scales,
                            int32_t *sums);
void BELOW_AMX(multiply_blocks)(int type, const struct product *p);

/* Multiplies with the matrix instructions of AMX, or returns 0 if there are too few columns for them. */
int LEVEL(multiply_amx)(int type, const struct product *p);

#endif
