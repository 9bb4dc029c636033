/* Sixteen rows of weights as the other functions read them. */
#include "kernels.h"
#include "vectors.h"

/* Units of a row that are moved at once, and rows: four words of four rows are a square. */
#define SQUARE 4

typedef uint32_t square_row __attribute__((vector_size(4 * SQUARE)));

typedef struct {
    int32_t unit, count, from, to;
} part;

INLINE square_row square_row_at(const uint8_t *p) {
    square_row v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE square_row lower(square_row a, square_row b) {
    return (square_row){a[0], b[0], a[1], b[1]};
}

INLINE square_row upper(square_row a, square_row b) {
    return (square_row){a[2], b[2], a[3], b[3]};
}

/* Moves four words of four rows. */
INLINE void move_square(const uint8_t *from, int64_t row_bytes, uint8_t *to) {
    const square_row a = square_row_at(from), b = square_row_at(from + row_bytes);
    const square_row c = square_row_at(from + 2 * row_bytes), d = square_row_at(from + 3 * row_bytes);
    const square_row ac = lower(a, c), bd = lower(b, d), ac_upper = upper(a, c), bd_upper = upper(b, d);
    const square_row columns[SQUARE] = {lower(ac, bd), upper(ac, bd), lower(ac_upper, bd_upper),
                                        upper(ac_upper, bd_upper)};
    UNROLL for (int i = 0; i < SQUARE; i++) {
        memcpy(to + 4 * ROWS * i, &columns[i], sizeof columns[i]);
    }
}

/* Moves `count` units of `unit` bytes, a constant, of each row. */
INLINE void move_units(const uint8_t *from, int64_t row_bytes, int rows, int unit, int count, uint8_t *to) {
    for (int i = 0; i < count; i++) {
        for (int row = 0; row < rows; row++) {
            memcpy(to + unit * (ROWS * i + row), from + row * row_bytes + unit * i, unit);
        }
    }
}

INLINE void move_part(const part *p, const uint8_t *from, int64_t row_bytes, int rows, uint8_t *to) {
    switch (p->unit) {
    case 4: {
        const int squares = rows == ROWS ? p->count / SQUARE : 0;
        for (int i = 0; i < squares; i++) {
            UNROLL for (int row = 0; row < ROWS; row += SQUARE) {
                move_square(from + row * row_bytes + 4 * SQUARE * i, row_bytes, to + 4 * (ROWS * SQUARE * i + row));
            }
        }
        const int done = squares * SQUARE;
        move_units(from + 4 * done, row_bytes, rows, 4, p->count - done, to + 4 * ROWS * done);
        break;
    }
    case 2:
        move_units(from, row_bytes, rows, 2, p->count, to);
        break;
    default:
        move_units(from, row_bytes, rows, 1, p->count, to);
        break;
    }
}

void KERNEL(interleave)(const uint8_t *rows, int64_t row_bytes, int num_rows, int blocks, const int32_t *layout,
                        uint8_t *tile) {
    const int block_bytes = layout[0], num_parts = layout[1];
    const part *parts = (const part *)(layout + 2);
    if (num_rows < ROWS) {
        memset(tile, 0, (size_t)blocks * ROWS * block_bytes);
    }
    if (num_parts == 1) { /* the unit is the block */
        const part whole = {block_bytes, blocks, 0, 0};
        move_part(&whole, rows, row_bytes, num_rows, tile);
        return;
    }
    for (int b = 0; b < blocks; b++) {
        for (int p = 0; p < num_parts; p++) {
            move_part(parts + p, rows + (int64_t)b * block_bytes + parts[p].from, row_bytes, num_rows,
                      tile + (int64_t)b * ROWS * block_bytes + parts[p].to);
        }
    }
}
