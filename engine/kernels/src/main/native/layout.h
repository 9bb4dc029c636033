/*
 * Where weights and caches lie. LayoutHeadersTest makes this file from DType, TileLayout and KvLayer, and
 * says what to do after a change there.
 */
#ifndef MOETIER_LAYOUT_H
#define MOETIER_LAYOUT_H

/* The ordinals of io.moetier.storage.model.DType. */
enum {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ4_NL,
    IQ4_XS,
    MXFP4
};

/* Rows that are interleaved. */
#define ROWS 16

/* Of keys and values. */
#define CHUNK_POSITIONS 256
#define TILE_KEYS 16

/* Of a block that sixteen rows share: columns, bytes, and where its parts begin. */
enum { F32_COLS = 1, F32_BYTES = 64, F32_VALUES = 0 };
enum { F16_COLS = 1, F16_BYTES = 32, F16_VALUES = 0 };
enum { BF16_COLS = 2, BF16_BYTES = 64, BF16_VALUES = 0 };
enum { Q8_0_COLS = 32, Q8_0_BYTES = 544, Q8_0_D = 0, Q8_0_QS = 32 };
enum { Q4_0_COLS = 32, Q4_0_BYTES = 288, Q4_0_D = 0, Q4_0_QS = 32 };
enum { Q4_1_COLS = 32, Q4_1_BYTES = 320, Q4_1_D = 0, Q4_1_M = 32, Q4_1_QS = 64 };
enum { Q5_0_COLS = 32, Q5_0_BYTES = 352, Q5_0_D = 0, Q5_0_QH = 32, Q5_0_QS = 96 };
enum { Q5_1_COLS = 32, Q5_1_BYTES = 384, Q5_1_D = 0, Q5_1_M = 32, Q5_1_QH = 64, Q5_1_QS = 128 };
enum { Q4_K_COLS = 256, Q4_K_BYTES = 2368, Q4_K_D = 0, Q4_K_DMIN = 32, Q4_K_SCALES = 64, Q4_K_MINS = 192,
      Q4_K_QS = 320 };
enum { Q5_K_COLS = 256, Q5_K_BYTES = 2880, Q5_K_D = 0, Q5_K_DMIN = 32, Q5_K_SCALES = 64, Q5_K_MINS = 192,
      Q5_K_QS = 320, Q5_K_QH = 2368 };
enum { Q6_K_COLS = 256, Q6_K_BYTES = 3360, Q6_K_D = 0, Q6_K_SCALES = 32, Q6_K_QL = 288, Q6_K_QH = 1312,
      Q6_K_SECOND_QL = 1824, Q6_K_SECOND_QH = 2848 };
enum { IQ4_NL_COLS = 32, IQ4_NL_BYTES = 288, IQ4_NL_D = 0, IQ4_NL_QS = 32 };
enum { IQ4_XS_COLS = 256, IQ4_XS_BYTES = 2208, IQ4_XS_D = 0, IQ4_XS_SCALES = 32, IQ4_XS_QS = 160 };
enum { MXFP4_COLS = 32, MXFP4_BYTES = 272, MXFP4_E = 0, MXFP4_QS = 16 };

/* Returns the columns of a block of sixteen rows; 0 where these lie one after another. */
static inline __attribute__((always_inline)) int block_cols(int type) {
    switch (type) {
        case F32:
            return F32_COLS;
        case F16:
            return F16_COLS;
        case BF16:
            return BF16_COLS;
        case Q8_0:
            return Q8_0_COLS;
        case Q4_0:
            return Q4_0_COLS;
        case Q4_1:
            return Q4_1_COLS;
        case Q5_0:
            return Q5_0_COLS;
        case Q5_1:
            return Q5_1_COLS;
        case Q4_K:
            return Q4_K_COLS;
        case Q5_K:
            return Q5_K_COLS;
        case Q6_K:
            return Q6_K_COLS;
        case IQ4_NL:
            return IQ4_NL_COLS;
        case IQ4_XS:
            return IQ4_XS_COLS;
        case MXFP4:
            return MXFP4_COLS;
        default:
            return 0;
    }
}

/* Returns the bytes of a block of sixteen rows; 0 where these lie one after another. */
static inline __attribute__((always_inline)) int block_bytes(int type) {
    switch (type) {
        case F32:
            return F32_BYTES;
        case F16:
            return F16_BYTES;
        case BF16:
            return BF16_BYTES;
        case Q8_0:
            return Q8_0_BYTES;
        case Q4_0:
            return Q4_0_BYTES;
        case Q4_1:
            return Q4_1_BYTES;
        case Q5_0:
            return Q5_0_BYTES;
        case Q5_1:
            return Q5_1_BYTES;
        case Q4_K:
            return Q4_K_BYTES;
        case Q5_K:
            return Q5_K_BYTES;
        case Q6_K:
            return Q6_K_BYTES;
        case IQ4_NL:
            return IQ4_NL_BYTES;
        case IQ4_XS:
            return IQ4_XS_BYTES;
        case MXFP4:
            return MXFP4_BYTES;
        default:
            return 0;
    }
}

#endif
