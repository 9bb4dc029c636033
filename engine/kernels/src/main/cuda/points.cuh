// Weights of few bits, in the layout of WeightMatrix: those that choose from points of a grid, and those that are one of
// few whole numbers. A lane decodes eight neighbours of a row together, which have a scale and an entry of a grid, or two,
// in common.
//
// Of a type: tile_bytes(cols), and eight(tile, k, row, w), the floats that ggml makes of columns k to k + 7 of a row.
#pragma once
#include "grids.cuh"
#include "weights.cuh"

constexpr int EIGHT = 8;

// Where a row's bytes are in the blocks of sixteen rows.
template <class Layout>
struct Shared {
  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / Layout::BLOCK_COLS) * Layout::BLOCK_BYTES;
  }

  static __device__ __forceinline__ const uint8_t* block(const uint8_t* tile, int k) {
    return tile + (size_t)(k / Layout::BLOCK_COLS) * Layout::BLOCK_BYTES;
  }

  // Byte `i` of a part in words.
  static __device__ __forceinline__ int byte_of(const uint8_t* words, int i, int row) {
    return __ldg(words + i / 4 * 4 * TILE_ROWS + row * 4 + i % 4);
  }

  static __device__ __forceinline__ uint32_t word_of(const uint8_t* words, int i, int row) {
    return at<uint32_t>(words, i * 4 * TILE_ROWS + row * 4);
  }

  static __device__ __forceinline__ int short_of(const uint8_t* shorts, int i, int row) {
    return at<unsigned short>(shorts, i * 2 * TILE_ROWS + row * 2);
  }

  // Byte `i` of a part in bytes.
  static __device__ __forceinline__ int single_of(const uint8_t* bytes, int i, int row) {
    return __ldg(bytes + i * TILE_ROWS + row);
  }

  static __device__ __forceinline__ float half_of(const uint8_t* halves, int row) {
    return __half2float(__ushort_as_half((unsigned short)short_of(halves, 0, row)));
  }

  // Eight bytes from byte `i` on of a part in words, of which `bits` are taken from the `shift`-th on.
  static __device__ __forceinline__ uint2 bytes_of(const uint8_t* words, int i, int row, int shift, int bits) {
    const uint32_t mask = 0x01010101u * ((1 << bits) - 1);
    return {word_of(words, i / 4, row) >> shift & mask, word_of(words, i / 4 + 1, row) >> shift & mask};
  }

  // Of runs of 32 bytes of four values, those of elements k and on.
  static __device__ __forceinline__ uint2 quarters_of(const uint8_t* words, int k, int row) {
    return bytes_of(words, k / 128 * 32 + k % 32, row, k % 128 / 32 * 2, 2);
  }
};

// Byte i of eight less `zero`.
__device__ __forceinline__ float number_of(const uint2& bytes, int i, int zero) {
  return lifted(i < 4 ? bytes.x : bytes.y, i % 4) - (LIFT + zero);
}

// Negates what the i-th bit of `signs` is set for.
__device__ __forceinline__ float signed_by(uint32_t signs, int i, float value) {
  return __uint_as_float(__float_as_uint(value) ^ (signs << (31 - i) & 0x80000000u));
}

// Seven signs and an eighth, which makes their number even.
__device__ __forceinline__ uint32_t even_signs(uint32_t signs) {
  return (signs & 127) | (__popc(signs & 127) & 1) << 7;
}

// Eight of two bits each: 8, 25, 43.
__device__ __forceinline__ void iq2(uint32_t point, uint32_t signs, float scale, float (&w)[EIGHT]) {
#pragma unroll
  for (int i = 0; i < EIGHT; i++) {
    w[i] = signed_by(signs, i, scale * (float)(0x002b1908 >> (8 * (point >> (2 * i) & 3)) & 255));
  }
}

// Four of three bits each: 4, 12, 20 and so on, and at last not 60 but 62.
__device__ __forceinline__ float iq3_xxs(uint32_t point, int i) {
  const int code = point >> (3 * i) & 7;
  return (float)(8 * code + 4 + (code == 7 ? 2 : 0));
}

__device__ __forceinline__ void iq1(int index, bool lowered, float scale, float (&w)[EIGHT]) {
  const uint32_t point = iq1_points[index];
  const float moved = lowered ? -0.125f : 0.125f;
#pragma unroll
  for (int i = 0; i < EIGHT; i++) {
    w[i] = scale * ((float)((int)(point >> (2 * i) & 3) - 1) + moved);
  }
}

struct NVFP4 : Shared<layout::NVFP4>, layout::NVFP4 {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int group = k % 64 / 16;
    const uint32_t scale = single_of(b + D, group, row);
    // seven bits are the lowest of a float's exponent and the highest of its mantissa
    const float half = scale == 127 ? 0.0f : __uint_as_float((scale & 127) << 20) * 0x1p119f;
    const uint2 codes = bytes_of(b + QS, 8 * group, row, k % 16 / 8 * 4, 4);
#pragma unroll
    for (int i = 0; i < EIGHT; i++) {
      w[i] = MXFP4::twice((i < 4 ? codes.x : codes.y) >> (i % 4 * 8) & 15) * half;
    }
  }
};

struct Q1_0 : Shared<layout::Q1_0>, layout::Q1_0 {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const float d = half_of(b + D, row);
    const uint32_t negative = ~byte_of(b + QS, k % 128 / 8, row);
#pragma unroll
    for (int i = 0; i < EIGHT; i++) {
      w[i] = signed_by(negative, i, d);
    }
  }
};

struct Q2_0 : Shared<layout::Q2_0>, layout::Q2_0 {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const float d = half_of(b + D, row);
    const uint32_t codes = word_of(b + QS, k % 64 / 16, row) >> (k % 16 * 2);
#pragma unroll
    for (int i = 0; i < EIGHT; i++) {
      w[i] = (float)((int)(codes >> (2 * i) & 3) - 1) * d;
    }
  }
};

struct TQ1_0 : Shared<layout::TQ1_0>, layout::TQ1_0 {
  // Three to the power of a digit's place.
  static __device__ __forceinline__ int power(int digit) {
    return digit == 0 ? 1 : digit == 1 ? 3 : digit == 2 ? 9 : digit == 3 ? 27 : 81;
  }

  // The next digit in base three behind those that `power` stands for, of a fraction of 256.
  static __device__ __forceinline__ int third(uint32_t fraction, int power) {
    return (fraction * power & 255) * 3 >> 8;
  }

  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const float d = half_of(b + D, row);
    const int i = k % 256;
    uint2 fractions;
    int first;  // the power of the first four
    int second;
    if (i < 240) {
      fractions = bytes_of(b + QS, i < 160 ? i % 32 : 32 + i % 16, row, 0, 8);
      first = second = power(i < 160 ? i / 32 : (i - 160) / 16);
    } else {
      fractions.x = fractions.y = word_of(b + QH, 0, row);
      first = power((i - 240) / 4);
      second = 3 * first;
    }
#pragma unroll
    for (int j = 0; j < EIGHT; j++) {
      const uint32_t fraction = (j < 4 ? fractions.x : fractions.y) >> (j % 4 * 8) & 255;
      w[j] = (float)(third(fraction, j < 4 ? first : second) - 1) * d;
    }
  }
};

struct TQ2_0 : Shared<layout::TQ2_0>, layout::TQ2_0 {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const float d = half_of(b + D, row);
    const uint2 codes = quarters_of(b + QS, k % 256, row);
#pragma unroll
    for (int i = 0; i < EIGHT; i++) {
      w[i] = number_of(codes, i, 1) * d;
    }
  }
};

struct Q2_K : Shared<layout::Q2_K>, layout::Q2_K {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int both = single_of(b + SCALES, k % 256 / 16, row);
    const float scale = half_of(b + D, row) * (float)(both & 15);
    const float offset = half_of(b + DMIN, row) * (float)(both >> 4);
    const uint2 codes = quarters_of(b + QS, k % 256, row);
#pragma unroll
    for (int i = 0; i < EIGHT; i++) {
      w[i] = scale * number_of(codes, i, 0) - offset;
    }
  }
};

struct Q3_K : Shared<layout::Q3_K>, layout::Q3_K {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int i = k % 256;
    const int group = i / 16;
    const int lower = single_of(b + SCALES, group % 8, row) >> (group / 8 * 4) & 15;
    const int upper = single_of(b + SCALES, 8 + group % 4, row) >> (group / 4 * 2) & 3;
    const float scale = half_of(b + D, row) * (float)((lower | upper << 4) - 32);
    const uint2 thirds = bytes_of(b + HMASK, i % 32, row, i / 32, 1);
    uint2 codes = quarters_of(b + QS, i, row);
    codes.x |= thirds.x << 2;
    codes.y |= thirds.y << 2;
#pragma unroll
    for (int j = 0; j < EIGHT; j++) {
      w[j] = scale * number_of(codes, j, 4);
    }
  }
};

struct IQ1_S : Shared<layout::IQ1_S>, layout::IQ1_S {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int i = k % 256 / 8;
    const int bits = short_of(b + QH, i / 4, row);
    const float scale = half_of(b + D, row) * (float)(2 * (bits >> 12 & 7) + 1);
    iq1(byte_of(b + QS, i, row) | (bits >> (i % 4 * 3) & 7) << 8, bits >> 15 != 0, scale, w);
  }
};

struct IQ1_M : Shared<layout::IQ1_M>, layout::IQ1_M {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int i = k % 256 / 8;
    const int bits = short_of(b + QH, i / 4, row) >> (i % 4 * 4);
    int d = 0;
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) {
      d |= short_of(b + SCALES, quarter, row) >> 12 << (4 * quarter);
    }
    const int steps = short_of(b + SCALES, i / 8, row) >> (i / 2 % 4 * 3) & 7;
    const float scale = __half2float(__ushort_as_half((unsigned short)d)) * (float)(2 * steps + 1);
    iq1(byte_of(b + QS, i, row) | (bits & 7) << 8, (bits & 8) != 0, scale, w);
  }
};

struct IQ2_XXS : Shared<layout::IQ2_XXS>, layout::IQ2_XXS {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int group = k % 256 / 32;
    const int i = k % 32 / 8;
    const uint32_t signs = word_of(b + QS, 2 * group + 1, row);
    const float scale = half_of(b + D, row) * (0.5f + (float)(signs >> 28)) * 0.25f;
    iq2(iq2_xxs_points[byte_of(b + QS, 8 * group + i, row)], even_signs(signs >> (7 * i)), scale, w);
  }
};

// The scale of sixteen weights of two bits.
__device__ __forceinline__ float scale_of_iq2(float d, int scales, int k) {
  return d * (0.5f + (float)(scales >> (k % 32 / 16 * 4) & 15)) * 0.25f;
}

struct IQ2_XS : Shared<layout::IQ2_XS>, layout::IQ2_XS {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int i = k % 256 / 8;
    const uint32_t code = word_of(b + QS, i / 2, row) >> (i % 2 * 16) & 0xffff;
    const float scale = scale_of_iq2(half_of(b + D, row), single_of(b + SCALES, i / 4, row), k);
    iq2(iq2_xs_points[code & 511], even_signs(code >> 9), scale, w);
  }
};

struct IQ2_S : Shared<layout::IQ2_S>, layout::IQ2_S {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int i = k % 256 / 8;
    const int upper = single_of(b + QH, i / 4, row) >> (i % 4 * 2) & 3;
    const float scale = scale_of_iq2(half_of(b + D, row), single_of(b + SCALES, i / 4, row), k);
    iq2(iq2_s_points[byte_of(b + QS, i, row) | upper << 8], byte_of(b + SIGNS, i, row), scale, w);
  }
};

struct IQ3_XXS : Shared<layout::IQ3_XXS>, layout::IQ3_XXS {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const uint32_t bits = word_of(b + SIGNS, k % 256 / 32, row);
    const uint32_t signs = even_signs(bits >> (k % 32 / 8 * 7));
    const float scale = half_of(b + D, row) * (0.5f + (float)(bits >> 28)) * 0.5f;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const uint32_t point = iq3_xxs_points[byte_of(b + QS, k % 256 / 4 + half, row)];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[4 * half + i] = signed_by(signs, 4 * half + i, scale * iq3_xxs(point, i));
      }
    }
  }
};

struct IQ3_S : Shared<layout::IQ3_S>, layout::IQ3_S {
  static __device__ __forceinline__ void eight(const uint8_t* tile, int k, int row, float (&w)[EIGHT]) {
    const uint8_t* b = block(tile, k);
    const int quad = k % 256 / 4;
    const int uppers = single_of(b + QH, quad / 8, row) >> (quad % 8);
    const int steps = single_of(b + SCALES, quad / 16, row) >> (quad / 8 % 2 * 4) & 15;
    const float scale = half_of(b + D, row) * (float)(1 + 2 * steps);
    const uint32_t signs = byte_of(b + SIGNS, quad / 2, row);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const uint32_t point = iq3_s_points[byte_of(b + QS, quad + half, row) | (uppers >> half & 1) << 8];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[4 * half + i] = signed_by(signs, 4 * half + i, scale * (float)(2 * (point >> (3 * i) & 7) + 1));
      }
    }
  }
};
