// Where weights and caches lie. LayoutHeadersTest makes this file from DType, TileLayout and KvLayer, and
// says what to do after a change there.
#pragma once

// Rows that are interleaved.
constexpr int TILE_ROWS = 16;

// Of keys and values.
constexpr int CHUNK_POSITIONS = 256;
constexpr int TILE_KEYS = 16;

// Of each type: columns and bytes of a block of sixteen rows, and where its parts begin in it.
namespace layout {
struct F32 {
  static constexpr int BLOCK_COLS = 1;
  static constexpr int BLOCK_BYTES = 64;
  static constexpr int VALUES = 0;
};
struct F16 {
  static constexpr int BLOCK_COLS = 1;
  static constexpr int BLOCK_BYTES = 32;
  static constexpr int VALUES = 0;
};
struct BF16 {
  static constexpr int BLOCK_COLS = 2;
  static constexpr int BLOCK_BYTES = 64;
  static constexpr int VALUES = 0;
};
struct Q8_0 {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 544;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct Q4_0 {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 288;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct Q4_1 {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 320;
  static constexpr int D = 0;
  static constexpr int M = 32;
  static constexpr int QS = 64;
};
struct Q5_0 {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 352;
  static constexpr int D = 0;
  static constexpr int QH = 32;
  static constexpr int QS = 96;
};
struct Q5_1 {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 384;
  static constexpr int D = 0;
  static constexpr int M = 32;
  static constexpr int QH = 64;
  static constexpr int QS = 128;
};
struct Q2_K {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1344;
  static constexpr int D = 0;
  static constexpr int DMIN = 32;
  static constexpr int SCALES = 64;
  static constexpr int QS = 320;
};
struct Q3_K {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1760;
  static constexpr int D = 0;
  static constexpr int SCALES = 32;
  static constexpr int HMASK = 224;
  static constexpr int QS = 736;
};
struct Q4_K {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 2368;
  static constexpr int D = 0;
  static constexpr int DMIN = 32;
  static constexpr int SCALES = 64;
  static constexpr int MINS = 192;
  static constexpr int QS = 320;
};
struct Q5_K {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 2880;
  static constexpr int D = 0;
  static constexpr int DMIN = 32;
  static constexpr int SCALES = 64;
  static constexpr int MINS = 192;
  static constexpr int QS = 320;
  static constexpr int QH = 2368;
};
struct Q6_K {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 3360;
  static constexpr int D = 0;
  static constexpr int SCALES = 32;
  static constexpr int QL = 288;
  static constexpr int QH = 1312;
  static constexpr int SECOND_QL = 1824;
  static constexpr int SECOND_QH = 2848;
};
struct IQ4_NL {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 288;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct IQ4_XS {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 2208;
  static constexpr int D = 0;
  static constexpr int SCALES = 32;
  static constexpr int QS = 160;
};
struct MXFP4 {
  static constexpr int BLOCK_COLS = 32;
  static constexpr int BLOCK_BYTES = 272;
  static constexpr int E = 0;
  static constexpr int QS = 16;
};
struct NVFP4 {
  static constexpr int BLOCK_COLS = 64;
  static constexpr int BLOCK_BYTES = 576;
  static constexpr int D = 0;
  static constexpr int QS = 64;
};
struct Q1_0 {
  static constexpr int BLOCK_COLS = 128;
  static constexpr int BLOCK_BYTES = 288;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct Q2_0 {
  static constexpr int BLOCK_COLS = 64;
  static constexpr int BLOCK_BYTES = 288;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct TQ1_0 {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 864;
  static constexpr int D = 0;
  static constexpr int QS = 32;
  static constexpr int QH = 800;
};
struct TQ2_0 {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1056;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct IQ1_S {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 800;
  static constexpr int D = 0;
  static constexpr int QH = 32;
  static constexpr int QS = 288;
};
struct IQ1_M {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 896;
  static constexpr int SCALES = 0;
  static constexpr int QH = 128;
  static constexpr int QS = 384;
};
struct IQ2_XXS {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1056;
  static constexpr int D = 0;
  static constexpr int QS = 32;
};
struct IQ2_XS {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1184;
  static constexpr int D = 0;
  static constexpr int SCALES = 32;
  static constexpr int QS = 160;
};
struct IQ2_S {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1312;
  static constexpr int D = 0;
  static constexpr int SCALES = 32;
  static constexpr int QH = 160;
  static constexpr int QS = 288;
  static constexpr int SIGNS = 800;
};
struct IQ3_XXS {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1568;
  static constexpr int D = 0;
  static constexpr int QS = 32;
  static constexpr int SIGNS = 1056;
};
struct IQ3_S {
  static constexpr int BLOCK_COLS = 256;
  static constexpr int BLOCK_BYTES = 1760;
  static constexpr int D = 0;
  static constexpr int SCALES = 32;
  static constexpr int QH = 96;
  static constexpr int QS = 224;
  static constexpr int SIGNS = 1248;
};
}
