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
    MXFP4,
    NVFP4,
    Q1_0,
    Q2_0,
    TQ1_0,
    TQ2_0,
    IQ1_S,
    IQ1_M,
    IQ2_XXS,
    IQ2_XS,
    IQ2_S,
    IQ3_XXS,
    IQ3_S
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
enum { Q2_K_COLS = 256, Q2_K_BYTES = 1344, Q2_K_D = 0, Q2_K_DMIN = 32, Q2_K_SCALES = 64, Q2_K_QS = 320 };
enum { Q3_K_COLS = 256, Q3_K_BYTES = 1760, Q3_K_D = 0, Q3_K_SCALES = 32, Q3_K_HMASK = 224, Q3_K_QS = 736 };
enum { Q4_K_COLS = 256, Q4_K_BYTES = 2368, Q4_K_D = 0, Q4_K_DMIN = 32, Q4_K_SCALES = 64, Q4_K_MINS = 192,
      Q4_K_QS = 320 };
enum { Q5_K_COLS = 256, Q5_K_BYTES = 2880, Q5_K_D = 0, Q5_K_DMIN = 32, Q5_K_SCALES = 64, Q5_K_MINS = 192,
      Q5_K_QS = 320, Q5_K_QH = 2368 };
enum { Q6_K_COLS = 256, Q6_K_BYTES = 3360, Q6_K_D = 0, Q6_K_SCALES = 32, Q6_K_QL = 288, Q6_K_QH = 1312,
      Q6_K_SECOND_QL = 1824, Q6_K_SECOND_QH = 2848 };
enum { IQ4_NL_COLS = 32, IQ4_NL_BYTES = 288, IQ4_NL_D = 0, IQ4_NL_QS = 32 };
enum { IQ4_XS_COLS = 256, IQ4_XS_BYTES = 2208, IQ4_XS_D = 0, IQ4_XS_SCALES = 32, IQ4_XS_QS = 160 };
enum { MXFP4_COLS = 32, MXFP4_BYTES = 272, MXFP4_E = 0, MXFP4_QS = 16 };
enum { NVFP4_COLS = 64, NVFP4_BYTES = 576, NVFP4_D = 0, NVFP4_QS = 64 };
enum { Q1_0_COLS = 128, Q1_0_BYTES = 288, Q1_0_D = 0, Q1_0_QS = 32 };
enum { Q2_0_COLS = 64, Q2_0_BYTES = 288, Q2_0_D = 0, Q2_0_QS = 32 };
enum { TQ1_0_COLS = 256, TQ1_0_BYTES = 864, TQ1_0_D = 0, TQ1_0_QS = 32, TQ1_0_QH = 800 };
enum { TQ2_0_COLS = 256, TQ2_0_BYTES = 1056, TQ2_0_D = 0, TQ2_0_QS = 32 };
enum { IQ1_S_COLS = 256, IQ1_S_BYTES = 800, IQ1_S_D = 0, IQ1_S_QH = 32, IQ1_S_QS = 288 };
enum { IQ1_M_COLS = 256, IQ1_M_BYTES = 896, IQ1_M_SCALES = 0, IQ1_M_QH = 128, IQ1_M_QS = 384 };
enum { IQ2_XXS_COLS = 256, IQ2_XXS_BYTES = 1056, IQ2_XXS_D = 0, IQ2_XXS_QS = 32 };
enum { IQ2_XS_COLS = 256, IQ2_XS_BYTES = 1184, IQ2_XS_D = 0, IQ2_XS_SCALES = 32, IQ2_XS_QS = 160 };
enum { IQ2_S_COLS = 256, IQ2_S_BYTES = 1312, IQ2_S_D = 0, IQ2_S_SCALES = 32, IQ2_S_QH = 160, IQ2_S_QS = 288,
      IQ2_S_SIGNS = 800 };
enum { IQ3_XXS_COLS = 256, IQ3_XXS_BYTES = 1568, IQ3_XXS_D = 0, IQ3_XXS_QS = 32, IQ3_XXS_SIGNS = 1056 };
enum { IQ3_S_COLS = 256, IQ3_S_BYTES = 1760, IQ3_S_D = 0, IQ3_S_SCALES = 32, IQ3_S_QH = 96, IQ3_S_QS = 224,
      IQ3_S_SIGNS = 1248 };

/* Returns the columns of a block of sixteen rows. */
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
        case Q2_K:
            return Q2_K_COLS;
        case Q3_K:
            return Q3_K_COLS;
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
        case NVFP4:
            return NVFP4_COLS;
        case Q1_0:
            return Q1_0_COLS;
        case Q2_0:
            return Q2_0_COLS;
        case TQ1_0:
            return TQ1_0_COLS;
        case TQ2_0:
            return TQ2_0_COLS;
        case IQ1_S:
            return IQ1_S_COLS;
        case IQ1_M:
            return IQ1_M_COLS;
        case IQ2_XXS:
            return IQ2_XXS_COLS;
        case IQ2_XS:
            return IQ2_XS_COLS;
        case IQ2_S:
            return IQ2_S_COLS;
        case IQ3_XXS:
            return IQ3_XXS_COLS;
        case IQ3_S:
            return IQ3_S_COLS;
        default:
            return 0;
    }
}

/* Returns the bytes of a block of sixteen rows. */
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
        case Q2_K:
            return Q2_K_BYTES;
        case Q3_K:
            return Q3_K_BYTES;
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
        case NVFP4:
            return NVFP4_BYTES;
        case Q1_0:
            return Q1_0_BYTES;
        case Q2_0:
            return Q2_0_BYTES;
        case TQ1_0:
            return TQ1_0_BYTES;
        case TQ2_0:
            return TQ2_0_BYTES;
        case IQ1_S:
            return IQ1_S_BYTES;
        case IQ1_M:
            return IQ1_M_BYTES;
        case IQ2_XXS:
            return IQ2_XXS_BYTES;
        case IQ2_XS:
            return IQ2_XS_BYTES;
        case IQ2_S:
            return IQ2_S_BYTES;
        case IQ3_XXS:
            return IQ3_XXS_BYTES;
        case IQ3_S:
            return IQ3_S_BYTES;
        default:
            return 0;
    }
}

#endif
