// Weights of few bits, in the layout of WeightMatrix: those that choose from points of a grid, and those that are one of
// few whole numbers. They are decoded one by one.
//
// Of a type: element(matrix, cols, row, k), the float that ggml makes of column k of a row.
#pragma once
#include "grids.cuh"
#include "weights.cuh"

// Where a row's bytes are in the blocks of sixteen rows.
template <class Layout>
struct Shared {
  static __device__ __forceinline__ const uint8_t* block(const uint8_t* matrix, int cols, int row, int k) {
    const int blocks = cols / Layout::BLOCK_COLS;
    return matrix + ((size_t)(row / TILE_ROWS) * blocks + k / Layout::BLOCK_COLS) * Layout::BLOCK_BYTES;
  }

  // Byte `i` of a part in words.
  static __device__ __forceinline__ int byte_of(const uint8_t* words, int i, int row) {
    return __ldg(words + i / 4 * 4 * TILE_ROWS + row % TILE_ROWS * 4 + i % 4);
  }

  static __device__ __forceinline__ uint32_t word_of(const uint8_t* words, int i, int row) {
    return at<uint32_t>(words, i * 4 * TILE_ROWS + row % TILE_ROWS * 4);
  }

  static __device__ __forceinline__ int short_of(const uint8_t* shorts, int i, int row) {
    return at<unsigned short>(shorts, i * 2 * TILE_ROWS + row % TILE_ROWS * 2);
  }

  // Byte `i` of a part in bytes.
  static __device__ __forceinline__ int single_of(const uint8_t* bytes, int i, int row) {
    return __ldg(bytes + i * TILE_ROWS + row % TILE_ROWS);
  }

  static __device__ __forceinline__ float half_of(const uint8_t* halves, int row) {
    return __half2float(__ushort_as_half((unsigned short)short_of(halves, 0, row)));
  }

  // Of runs of 32 bytes of four values, that of element k.
  static __device__ __forceinline__ int quarter_of(const uint8_t* words, int k, int row) {
    return byte_of(words, k / 128 * 32 + k % 32, row) >> (k % 128 / 32 * 2) & 3;
  }
};

__device__ __forceinline__ float negated(float value, bool negative) {
  return negative ? -value : value;
}

// Bit i of seven signs and of an eighth, which makes their number even.
__device__ __forceinline__ bool sign_of(uint32_t signs, int i) {
  return (i < 7 ? signs >> i : __popc(signs & 127)) & 1;
}

__device__ __forceinline__ int two_bits(const uint16_t* points, int index, int i) {
  return points[index] >> (2 * i) & 3;
}

__device__ __forceinline__ int three_bits(const uint16_t* points, int index, int i) {
  return points[index] >> (3 * i) & 7;
}

// 8, 25, 43.
__device__ __forceinline__ float iq2(const uint16_t* points, int index, int i) {
  return (float)(0x002b1908 >> (8 * two_bits(points, index, i)) & 255);
}

// 4, 12, 20 and so on, and at last not 60 but 62.
__device__ __forceinline__ float iq3_xxs(int index, int i) {
  const int code = three_bits(iq3_xxs_points, index, i);
  return (float)(8 * code + 4 + (code == 7 ? 2 : 0));
}

__device__ __forceinline__ float iq1(int index, int i, bool lowered) {
  return (float)(two_bits(iq1_points, index, i) - 1) + (lowered ? -0.125f : 0.125f);
}

struct NVFP4 : Shared<layout::NVFP4>, layout::NVFP4 {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int group = k % 64 / 16;
    const uint32_t scale = single_of(b + D, group, row);
    // seven bits are the lowest of a float's exponent and the highest of its mantissa
    const float half = scale == 127 ? 0.0f : __uint_as_float((scale & 127) << 20) * 0x1p119f;
    return MXFP4::twice(byte_of(b + QS, 8 * group + k % 8, row) >> (k % 16 / 8 * 4) & 15) * half;
  }
};

struct Q1_0 : Shared<layout::Q1_0>, layout::Q1_0 {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    return negated(half_of(b + D, row), (byte_of(b + QS, k % 128 / 8, row) >> (k % 8) & 1) == 0);
  }
};

struct Q2_0 : Shared<layout::Q2_0>, layout::Q2_0 {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    return (float)((byte_of(b + QS, k % 64 / 4, row) >> (k % 4 * 2) & 3) - 1) * half_of(b + D, row);
  }
};

struct TQ1_0 : Shared<layout::TQ1_0>, layout::TQ1_0 {
  // What is left of a fraction of 256 behind `digit` digits in base three, times three.
  static __device__ __forceinline__ int third(int fraction, int digit) {
    int rest = fraction;
    for (int i = 0; i < digit; i++) {
      rest = rest * 3 & 255;
    }
    return rest * 3 >> 8;
  }

  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256;
    const int value = i < 160   ? third(byte_of(b + QS, i % 32, row), i / 32)
                      : i < 240 ? third(byte_of(b + QS, 32 + i % 16, row), (i - 160) / 16)
                                : third(byte_of(b + QH, i % 4, row), (i - 240) / 4);
    return (float)(value - 1) * half_of(b + D, row);
  }
};

struct TQ2_0 : Shared<layout::TQ2_0>, layout::TQ2_0 {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    return (float)(quarter_of(b + QS, k % 256, row) - 1) * half_of(b + D, row);
  }
};

struct Q2_K : Shared<layout::Q2_K>, layout::Q2_K {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256;
    const int both = single_of(b + SCALES, i / 16, row);
    const float scale = half_of(b + D, row) * (float)(both & 15);
    const float offset = half_of(b + DMIN, row) * (float)(both >> 4);
    return scale * (float)quarter_of(b + QS, i, row) - offset;
  }
};

struct Q3_K : Shared<layout::Q3_K>, layout::Q3_K {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256;
    const int group = i / 16;
    const int lower = single_of(b + SCALES, group % 8, row) >> (group / 8 * 4) & 15;
    const int upper = single_of(b + SCALES, 8 + group % 4, row) >> (group / 4 * 2) & 3;
    const float scale = half_of(b + D, row) * (float)((lower | upper << 4) - 32);
    const int third = byte_of(b + HMASK, i % 32, row) >> (i / 32) & 1;
    return scale * (float)(quarter_of(b + QS, i, row) - 4 + 4 * third);
  }
};

struct IQ1_S : Shared<layout::IQ1_S>, layout::IQ1_S {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256 / 8;
    const int bits = short_of(b + QH, i / 4, row);
    const float scale = half_of(b + D, row) * (float)(2 * (bits >> 12 & 7) + 1);
    const int index = byte_of(b + QS, i, row) | (bits >> (i % 4 * 3) & 7) << 8;
    return scale * iq1(index, k % 8, bits >> 15 != 0);
  }
};

struct IQ1_M : Shared<layout::IQ1_M>, layout::IQ1_M {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256 / 8;
    const int bits = byte_of_shorts(b + QH, i / 2, row) >> (i % 2 * 4);
    int d = 0;
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) {
      d |= short_of(b + SCALES, quarter, row) >> 12 << (4 * quarter);
    }
    const int steps = short_of(b + SCALES, i / 8, row) >> (i / 2 % 4 * 3) & 7;
    const float scale = __half2float(__ushort_as_half((unsigned short)d)) * (float)(2 * steps + 1);
    return scale * iq1(byte_of(b + QS, i, row) | (bits & 7) << 8, k % 8, (bits & 8) != 0);
  }

  static __device__ __forceinline__ int byte_of_shorts(const uint8_t* shorts, int i, int row) {
    return short_of(shorts, i / 2, row) >> (i % 2 * 8) & 255;
  }
};

struct IQ2_XXS : Shared<layout::IQ2_XXS>, layout::IQ2_XXS {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int group = k % 256 / 32;
    const int i = k % 32 / 8;
    const uint32_t signs = word_of(b + QS, 2 * group + 1, row);
    const float scale = half_of(b + D, row) * (0.5f + (float)(signs >> 28)) * 0.25f;
    const float value = scale * iq2(iq2_xxs_points, byte_of(b + QS, 8 * group + i, row), k % 8);
    return negated(value, sign_of(signs >> (7 * i), k % 8));
  }
};

// The scale of sixteen weights of two bits.
__device__ __forceinline__ float scale_of_iq2(float d, int scales, int k) {
  return d * (0.5f + (float)(scales >> (k % 32 / 16 * 4) & 15)) * 0.25f;
}

struct IQ2_XS : Shared<layout::IQ2_XS>, layout::IQ2_XS {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256 / 8;
    const uint32_t code = word_of(b + QS, i / 2, row) >> (i % 2 * 16) & 0xffff;
    const float scale = scale_of_iq2(half_of(b + D, row), single_of(b + SCALES, i / 4, row), k);
    return negated(scale * iq2(iq2_xs_points, code & 511, k % 8), sign_of(code >> 9, k % 8));
  }
};

struct IQ2_S : Shared<layout::IQ2_S>, layout::IQ2_S {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256 / 8;
    const int upper = single_of(b + QH, i / 4, row) >> (i % 4 * 2) & 3;
    const float scale = scale_of_iq2(half_of(b + D, row), single_of(b + SCALES, i / 4, row), k);
    const float value = scale * iq2(iq2_s_points, byte_of(b + QS, i, row) | upper << 8, k % 8);
    return negated(value, byte_of(b + SIGNS, i, row) >> (k % 8) & 1);
  }
};

struct IQ3_XXS : Shared<layout::IQ3_XXS>, layout::IQ3_XXS {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const uint32_t signs = word_of(b + SIGNS, k % 256 / 32, row);
    const float scale = half_of(b + D, row) * (0.5f + (float)(signs >> 28)) * 0.5f;
    const float value = scale * iq3_xxs(byte_of(b + QS, k % 256 / 4, row), k % 4);
    return negated(value, sign_of(signs >> (k % 32 / 8 * 7), k % 8));
  }
};

struct IQ3_S : Shared<layout::IQ3_S>, layout::IQ3_S {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block(matrix, cols, row, k);
    const int i = k % 256 / 4;
    const int upper = single_of(b + QH, i / 8, row) >> (i % 8) & 1;
    const int steps = single_of(b + SCALES, i / 16, row) >> (i / 8 % 2 * 4) & 15;
    const float scale = half_of(b + D, row) * (float)(1 + 2 * steps);
    const float value = scale * (float)(2 * three_bits(iq3_s_points, byte_of(b + QS, i, row) | upper << 8, k % 4) + 1);
    return negated(value, byte_of(b + SIGNS, i / 2, row) >> (k % 8) & 1);
  }
};
