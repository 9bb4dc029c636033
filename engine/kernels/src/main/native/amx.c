/*
 * Products of weights in blocks with int8 activations by the matrix instructions of AMX: sixteen rows by sixteen
 * columns at once. The integers are those of blocks.c, and so is what is done with them: results have the same bits.
 */
#include "product.h"

#ifdef __AMX_INT8__

#include "weights.h"

/* Blocks that are decoded together, and stay in the first cache while all columns are multiplied by them. */
#define DECODED 32

/* Fewer columns are multiplied as fast without, by weights that are decoded once. */
#define LEAST_COLUMNS (COLUMNS + 1)

/* The matrix registers, by their numbers: two for a whole group of columns, two for a part of one. */
#define WEIGHTS 0
#define WHOLE_PRODUCTS 1
#define WHOLE_COLUMNS 2
#define PART_PRODUCTS 3
#define PART_COLUMNS 4

/* What the processor reads of their shapes. */
struct shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* What one instruction multiplies is as deep as weights with one scale. */
INLINE int depth_of(int type) {
    return has_halves(type) ? BLOCK / 2 : BLOCK;
}

/* Writes out all of `memory`: the compiler does not see what the instructions of AMX read. */
INLINE void write_out(const void *memory) {
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void set_shapes(int depth, int part) {
    const struct shapes shapes = {
        .palette = 1,
        .row_bytes = {4 * ROWS, 4 * ROWS, (uint16_t)depth, 4 * ROWS, (uint16_t)depth},
        .rows = {(uint8_t)(depth / 4), GROUP, GROUP, (uint8_t)part, (uint8_t)part},
    };
    write_out(&shapes);
    _tile_loadconfig(&shapes);
}

/* Decodes blocks of a tile to signed values. */
INLINE void decode_blocks(int type, const uint8_t *w, int blocks, struct weights *to) {
    const int together = blocks_together(type);
    for (int b = 0; b < blocks; b++) {
        decode(type, w + (long)(b / together) * block_bytes(type), b % together, 0, to + b);
        UNROLL
        for (int i = 0; i < VECTORS; i++) {
            to[b].values[i] -= (uint8_t)bias_of(type);
        }
    }
    write_out(to);
}

#define MULTIPLY_TILES(products, columns, values, x, x_bytes, to) \
    do {                                                          \
        _tile_loadd(WEIGHTS, values, 4 * ROWS);                   \
        _tile_loadd(columns, x, x_bytes);                         \
        _tile_zero(products);                                     \
        _tile_dpbssd(products, columns, WEIGHTS);                 \
        _tile_stored(products, to, 4 * ROWS);                     \
    } while (0)

INLINE void multiply_tiles(int whole, const vbyte *values, const int8_t *x, int x_bytes, void *to) {
    if (whole) {
        MULTIPLY_TILES(WHOLE_PRODUCTS, WHOLE_COLUMNS, values, x, x_bytes, to);
    } else {
        MULTIPLY_TILES(PART_PRODUCTS, PART_COLUMNS, values, x, x_bytes, to);
    }
}

/* Columns of one group, and where the first block of the first of them is. */
struct run {
    int columns, stride;
    long at;
};

INLINE void multiply_block(int type, int whole, const struct weights *w, const int8_t *x, int32_t (*to)[GROUP][ROWS]) {
    for (int i = 0; i < products_of(type); i++) {
        const vbyte *values = w->values + (has_halves(type) ? i * VECTORS / 2 : 0);
        multiply_tiles(whole, values, x + i * depth_of(type), digits_of(type) * BLOCK, to[i]);
    }
}

INLINE void scale_block(int type, int width, const struct weights *w, const int32_t (*products)[GROUP][ROWS],
                        const float *scales, const int32_t *sums, vfloat *results) {
    UNROLL
    for (int j = 0; j < width; j++) {
        vint of_column[MOST_PRODUCTS];
        UNROLL
        for (int i = 0; i < products_of(type); i++) {
            of_column[i] = load_ints(products[i][j]);
        }
        vfloat scaled = scale(type, w, of_column, sums + 2 * j * digits_of(type));
        results[j] = multiply_add(scaled, all_floats(scales[j]), results[j]);
    }
}

/*
 * Adds the products of decoded blocks with columns to y + at[column]. So many columns as `width` are scaled: what lies
 * behind those of the run is read and dropped. Meanwhile, with each block, `fetched` bytes come from `next` on: all at
 * once would be more than can be on their way.
 */
INLINE void multiply_run(int type, int width, const struct product *p, const struct run *run, const struct weights *w,
                         int blocks, int first, float *y, const int32_t *at, const uint8_t *next, long fetched) {
    const int digits = digits_of(type), columns = width == GROUP ? GROUP : run->columns;
    const int8_t *x = p->bytes + run->at * digits * BLOCK;
    const float *scales = p->scales + run->at;
    const int32_t *sums = p->sums + 2 * run->at * digits;
    int32_t products[2][MOST_PRODUCTS][GROUP][ROWS] __attribute__((aligned(64)));
    vfloat results[GROUP] = {0};
    UNROLL
    for (int j = 0; j < width; j++) {
        if (!first && j < columns) {
            results[j] = load_floats(y + at[j]);
        }
    }
    /* Two tiles further, results go to lines that may be in no cache. */
    for (int j = 0; j < columns; j++) {
        __builtin_prefetch(y + at[j] + 2 * ROWS, 0, 2);
    }
    /* A block is scaled while the next one is multiplied: what a tile store has written cannot be loaded at once. */
    for (int b = 0; b <= blocks; b++, x += run->stride * digits * BLOCK) {
        if (b < blocks) {
            for (long i = fetched * b; i < fetched * (b + 1); i += 64) {
                __builtin_prefetch(next + i, 0, 2);
            }
            multiply_block(type, width == GROUP, w + b, x, products[b % 2]);
        }
        if (b > 0) {
            scale_block(type, width, w + b - 1, products[(b - 1) % 2], scales, sums, results);
            scales += run->stride;
            sums += 2 * run->stride * digits;
        }
    }
    UNROLL
    for (int j = 0; j < width; j++) {
        if (j < columns) {
            store_floats(y + at[j], results[j]);
        }
    }
}

/* Multiplies decoded blocks by all columns. `part` is the size of the group that the registers are set for. */
INLINE void multiply_columns(int type, const struct product *p, const struct weights *w, const uint8_t *next, int from,
                             int blocks, int *part, float *y) {
    const long next_bytes = (long)DECODED / blocks_together(type) * block_bytes(type);
    for (int column = p->first, end; column < p->last; column = end) {
        const int32_t *to = p->at + column;
        end = column / GROUP * GROUP + GROUP;
        end = end < p->last ? end : p->last;
        const uint8_t *share = next + next_bytes * (column - p->first) / (p->last - p->first);
        const long fetched = next_bytes * (end - column) / (p->last - p->first) / blocks;
        const struct run run = {end - column, group_width(GROUP, p->n, column),
                                block_at(GROUP, p->n, p->cols / BLOCK, column, from)};
        if (run.columns < GROUP && run.columns != *part) {
            *part = run.columns;
            set_shapes(depth_of(type), *part);
        }
        switch (run.columns == GROUP ? GROUP : (run.columns + 3) / 4) {
            case 1:
                multiply_run(type, 4, p, &run, w, blocks, from == 0, y, to, share, fetched);
                break;
            case 2:
                multiply_run(type, 8, p, &run, w, blocks, from == 0, y, to, share, fetched);
                break;
            case 3:
                multiply_run(type, 12, p, &run, w, blocks, from == 0, y, to, share, fetched);
                break;
            case 4:
                multiply_run(type, GROUP - 1, p, &run, w, blocks, from == 0, y, to, share, fetched);
                break;
            default:
                multiply_run(type, GROUP, p, &run, w, blocks, from == 0, y, to, share, fetched);
        }
    }
}

INLINE void multiply(int type, const struct product *p) {
    const int blocks = p->cols / BLOCK;
    int part = GROUP;
    set_shapes(depth_of(type), part);
    const uint8_t *w = p->w;
    float *y = p->y;
    for (int tile = 0; tile < p->tiles; tile++, y += ROWS) {
        for (int from = 0; from < blocks; from += DECODED) {
            const int count = blocks - from < DECODED ? blocks - from : DECODED;
            struct weights decoded[DECODED];
            decode_blocks(type, w, count, decoded);
            w += (long)count / blocks_together(type) * block_bytes(type);
            multiply_columns(type, p, decoded, w, from, count, &part, y);
        }
    }
    _tile_release();
}

BLOCK_TYPES(FUNCTION)

int LEVEL(multiply_amx)(int type, const struct product *p) {
    if (p->last - p->first < LEAST_COLUMNS) {
        return 0;
    }
    switch (type) {
        BLOCK_TYPES(MULTIPLY)
    }
    return 1;
}

#endif
