// The element types of weights, in the layout of WeightMatrix: tiles of sixteen interleaved rows.
//
// A warp reads a unit of columns of a tile at a time. Lane l holds rows 4 (l % 4) to 4 (l % 4) + 3, so that sixteen
// bytes are four rows' words; lanes with the same l % 4 share the rows and have columns of their own. A lane's part of
// a unit is one or more quads, four rows by four neighbouring columns, and becomes the floats that ggml makes of it.
//
// Of a type:
//   UNIT                            columns of a unit
//   QUADS                           quads of a lane's part
//   tile_bytes(cols)                bytes of sixteen rows
//   load(tile, unit, lane, cols)    what a lane reads; zeros beyond the last column
//   column(unit, lane, quad)        where a quad starts
//   decode(fragment, quad, w)       w[row][column] of a quad
//   ALWAYS_ALIGNED                  whether rows of activations lie at multiples of sixteen bytes, which the host sees to
#pragma once
#include "common.cuh"
#include "layout.cuh"

// A byte as a float, plus 2^23: exact, and cheaper than a conversion.
__device__ __forceinline__ float lifted(uint32_t word, int index) {
  return __uint_as_float(__byte_perm(word, 0x4B000000u, 0x7650 | index));
}

constexpr float LIFT = 8388608.0f;

__device__ __forceinline__ uint32_t word_of(const uint4& words, int row) {
  return row == 0 ? words.x : row == 1 ? words.y : row == 2 ? words.z : words.w;
}

__device__ __forceinline__ float float_of(const float4& floats, int row) {
  return row == 0 ? floats.x : row == 1 ? floats.y : row == 2 ? floats.z : floats.w;
}

__device__ __forceinline__ float half_of(const uint2& halves, int row) {
  const uint32_t pair = row < 2 ? halves.x : halves.y;
  return __half2float(__ushort_as_half((unsigned short)(row % 2 == 0 ? pair : pair >> 16)));
}

template <class V>
__device__ __forceinline__ V at(const uint8_t* bytes, size_t offset) {
  return __ldg(reinterpret_cast<const V*>(bytes + offset));
}

struct F32 : layout::F32 {
  static constexpr bool ALWAYS_ALIGNED = false;
  static constexpr int UNIT = 32;
  static constexpr int QUADS = 1;

  struct Fragment {
    float4 columns[4];
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)cols * BLOCK_BYTES;
  }

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return unit * UNIT + lane / 4 * 4;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    Fragment f;
    const int first = column(unit, lane, 0);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      f.columns[i] = first + i < cols ? at<float4>(tile, (size_t)(first + i) * BLOCK_BYTES + lane % 4 * 16)
                                      : make_float4(0, 0, 0, 0);
    }
    return f;
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = float_of(f.columns[i], row);
      }
    }
  }
};

struct F16 : layout::F16 {
  static constexpr bool ALWAYS_ALIGNED = false;
  static constexpr int UNIT = 32;
  static constexpr int QUADS = 1;

  struct Fragment {
    uint2 columns[4];
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)cols * BLOCK_BYTES;
  }

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return unit * UNIT + lane / 4 * 4;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    Fragment f;
    const int first = column(unit, lane, 0);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      f.columns[i] =
          first + i < cols ? at<uint2>(tile, (size_t)(first + i) * BLOCK_BYTES + lane % 4 * 8) : make_uint2(0, 0);
    }
    return f;
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = half_of(f.columns[i], row);
      }
    }
  }
};

struct BF16 : layout::BF16 {
  static constexpr bool ALWAYS_ALIGNED = false;
  static constexpr int UNIT = 32;
  static constexpr int QUADS = 1;

  struct Fragment {
    uint4 pairs[2];
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)((cols + 1) / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return unit * UNIT + lane / 4 * 4;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    Fragment f;
    const int first = column(unit, lane, 0);
#pragma unroll
    for (int i = 0; i < 2; i++) {
      f.pairs[i] = first + 2 * i < cols ? at<uint4>(tile, (size_t)(first / BLOCK_COLS + i) * BLOCK_BYTES + lane % 4 * 16)
                                        : make_uint4(0, 0, 0, 0);
    }
    return f;
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const uint32_t pair = word_of(f.pairs[i], row);
        w[row][2 * i] = __uint_as_float(pair << 16);
        w[row][2 * i + 1] = __uint_as_float(pair & 0xffff0000u);
      }
    }
  }
};

struct Q8_0 : layout::Q8_0 {
  static constexpr bool ALWAYS_ALIGNED = true;
  static constexpr int UNIT = 32;
  static constexpr int QUADS = 1;
  struct Fragment {
    uint2 d;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return unit * UNIT + lane / 4 * 4;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    const uint8_t* block = tile + (size_t)unit * BLOCK_BYTES;
    return {at<uint2>(block, D + lane % 4 * 8), at<uint4>(block, QS + lane * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row);
      const uint32_t word = word_of(f.q, row) ^ 0x80808080u;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = (lifted(word, i) - (LIFT + 128)) * d;
      }
    }
  }
};

// Blocks of 32 columns with sixteen bytes of two values: half a warp reads one, and byte i holds columns i and i + 16.
struct PairedBlocks {
  static constexpr bool ALWAYS_ALIGNED = true;
  static constexpr int UNIT = 64;
  static constexpr int QUADS = 2;

  static __device__ __forceinline__ int block(int unit, int lane) {
    return unit * 2 + lane / 16;
  }

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return block(unit, lane) * 32 + lane / 4 % 4 * 4 + quad * 16;
  }

  static __device__ __forceinline__ uint32_t values(const uint4& q, int row, int quad) {
    return (quad == 0 ? word_of(q, row) : word_of(q, row) >> 4) & 0x0f0f0f0fu;
  }
};

struct Q4_0 : PairedBlocks, layout::Q4_0 {
  struct Fragment {
    uint2 d;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    if (block(unit, lane) * BLOCK_COLS >= cols) {
      return {};
    }
    const uint8_t* from = tile + (size_t)block(unit, lane) * BLOCK_BYTES;
    return {at<uint2>(from, D + lane % 4 * 8), at<uint4>(from, QS + lane % 16 * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row);
      const uint32_t word = values(f.q, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = (lifted(word, i) - (LIFT + 8)) * d;
      }
    }
  }
};

struct Q4_1 : PairedBlocks, layout::Q4_1 {
  struct Fragment {
    uint2 d;
    uint2 m;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    if (block(unit, lane) * BLOCK_COLS >= cols) {
      return {};
    }
    const uint8_t* from = tile + (size_t)block(unit, lane) * BLOCK_BYTES;
    return {at<uint2>(from, D + lane % 4 * 8),
            at<uint2>(from, M + lane % 4 * 8),
            at<uint4>(from, QS + lane % 16 * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row);
      const float m = half_of(f.m, row);
      const uint32_t word = values(f.q, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = (lifted(word, i) - LIFT) * d + m;
      }
    }
  }
};

// Four bits and a fifth: bit i of byte j of a row's word is that of column 4 i + j of the block.
struct FiveBitBlocks : PairedBlocks {
  // A lane's share of the fifth bits: bit row + 4 * quad of byte j is that of column j of a quad.
  static __device__ __forceinline__ uint32_t fifths(const uint4& words, int lane) {
    uint32_t share = 0;
#pragma unroll
    for (int row = 0; row < 4; row++) {
      share |= (word_of(words, row) >> (lane / 4 % 4) & 0x11111111u) << row;
    }
    return share;
  }

  static __device__ __forceinline__ uint32_t values(const uint4& q, uint32_t fifths, int row, int quad) {
    return PairedBlocks::values(q, row, quad) | (fifths >> (row + 4 * quad) & 0x01010101u) << 4;
  }
};

struct Q5_0 : FiveBitBlocks, layout::Q5_0 {
  struct Fragment {
    uint2 d;
    uint32_t fifths;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    if (block(unit, lane) * BLOCK_COLS >= cols) {
      return {};
    }
    const uint8_t* from = tile + (size_t)block(unit, lane) * BLOCK_BYTES;
    return {at<uint2>(from, D + lane % 4 * 8),
            fifths(at<uint4>(from, QH + lane % 4 * 16), lane),
            at<uint4>(from, QS + lane % 16 * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row);
      const uint32_t word = values(f.q, f.fifths, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = (lifted(word, i) - (LIFT + 16)) * d;
      }
    }
  }
};

struct Q5_1 : FiveBitBlocks, layout::Q5_1 {
  struct Fragment {
    uint2 d;
    uint2 m;
    uint32_t fifths;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    if (block(unit, lane) * BLOCK_COLS >= cols) {
      return {};
    }
    const uint8_t* from = tile + (size_t)block(unit, lane) * BLOCK_BYTES;
    return {at<uint2>(from, D + lane % 4 * 8),
            at<uint2>(from, M + lane % 4 * 8),
            fifths(at<uint4>(from, QH + lane % 4 * 16), lane),
            at<uint4>(from, QS + lane % 16 * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row);
      const float m = half_of(f.m, row);
      const uint32_t word = values(f.q, f.fifths, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = (lifted(word, i) - LIFT) * d + m;
      }
    }
  }
};

// -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113, as bytes from the lowest on.
__device__ __forceinline__ float iq4(int code) {
  const uint64_t values = code < 8 ? 0xf6eaddcfbfad9881ull : 0x7159453526190d01ull;
  return (float)(int8_t)(values >> (code % 8 * 8));
}

struct IQ4_NL : PairedBlocks, layout::IQ4_NL {
  using Fragment = Q4_0::Fragment;

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return Q4_0::tile_bytes(cols);
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    return Q4_0::load(tile, unit, lane, cols);
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row);
      const uint32_t word = values(f.q, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = d * iq4(word >> (8 * i) & 15);
      }
    }
  }
};

// Blocks of 256 columns: eight of 32 with a scale of eight bits each.
struct IQ4_XS : PairedBlocks, layout::IQ4_XS {
  struct Fragment {
    uint2 d;
    uint32_t scales;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    const uint8_t* from = tile + (size_t)(unit / 4) * BLOCK_BYTES;
    const int group = block(unit, lane) % 8;
    return {at<uint2>(from, D + lane % 4 * 8),
            at<uint32_t>(from, SCALES + group * 16 + lane % 4 * 4),
            at<uint4>(from, QS + group * 256 + lane % 16 * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row) * (float)(int8_t)(f.scales >> (8 * row));
      const uint32_t word = values(f.q, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = d * iq4(word >> (8 * i) & 15);
      }
    }
  }
};

struct MXFP4 : PairedBlocks, layout::MXFP4 {
  struct Fragment {
    uint32_t exponents;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    if (block(unit, lane) * BLOCK_COLS >= cols) {
      return {};
    }
    const uint8_t* from = tile + (size_t)block(unit, lane) * BLOCK_BYTES;
    return {at<uint32_t>(from, E + lane % 4 * 4), at<uint4>(from, QS + lane % 16 * 16)};
  }

  // Half of what the exponent stands for; the two smallest are subnormal.
  static __device__ __forceinline__ float scale(uint32_t exponent) {
    return __uint_as_float(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
  }

  // Twice the value of a code of a sign, two bits of exponent and one of mantissa. As the lowest bits of a float's
  // exponent and the highest of its mantissa they are 2^-127 times that, subnormals included.
  static __device__ __forceinline__ float twice(uint32_t code) {
    return __uint_as_float((code & 7) << 22 | (code & 8) << 28) * 0x1p127f;
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = scale(f.exponents >> (8 * row) & 0xff);
      const uint32_t word = values(f.q, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = twice(word >> (8 * i) & 15) * d;
      }
    }
  }
};

// Blocks of 256 columns with eight scales and offsets; a unit is a quarter of one, whose byte i holds columns i and
// i + 32.
struct OffsetBlocks {
  static constexpr bool ALWAYS_ALIGNED = true;
  static constexpr int UNIT = 64;
  static constexpr int QUADS = 2;

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return unit * UNIT + lane / 4 * 4 + quad * 32;
  }

  struct Scales {
    uint2 d;
    uint2 dmin;
    uint32_t scales[2];
    uint2 mins;
  };

  static __device__ __forceinline__ Scales scales(const uint8_t* block, int quarter, int lane) {
    using layout::Q4_K;
    return {at<uint2>(block, Q4_K::D + lane % 4 * 8),
            at<uint2>(block, Q4_K::DMIN + lane % 4 * 8),
            {at<uint32_t>(block, Q4_K::SCALES + quarter * 32 + lane % 4 * 4),
             at<uint32_t>(block, Q4_K::SCALES + TILE_ROWS + quarter * 32 + lane % 4 * 4)},
            at<uint2>(block, Q4_K::MINS + quarter * 32 + lane % 4 * 8)};
  }

  static __device__ __forceinline__ float scale(const Scales& s, int row, int quad) {
    return half_of(s.d, row) * (float)(s.scales[quad] >> (8 * row) & 0xff);
  }

  static __device__ __forceinline__ float offset(const Scales& s, int row, int quad) {
    const uint32_t pair = row < 2 ? s.mins.x : s.mins.y;
    return half_of(s.dmin, row) * (float)(pair >> (row % 2 * 16 + quad * 8) & 0xff);
  }
};

struct Q4_K : OffsetBlocks, layout::Q4_K {
  struct Fragment {
    Scales s;
    uint4 q;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    const uint8_t* block = tile + (size_t)(unit / 4) * BLOCK_BYTES;
    return {scales(block, unit % 4, lane), at<uint4>(block, QS + unit % 4 * 512 + lane * 16)};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = scale(f.s, row, quad);
      const float m = offset(f.s, row, quad);
      const uint32_t word = PairedBlocks::values(f.q, row, quad);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = d * (lifted(word, i) - LIFT) - m;
      }
    }
  }
};

struct Q5_K : OffsetBlocks, layout::Q5_K {
  struct Fragment {
    Scales s;
    uint4 q;
    uint4 fifths;
    int quarter;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    const uint8_t* block = tile + (size_t)(unit / 4) * BLOCK_BYTES;
    return {scales(block, unit % 4, lane),
            at<uint4>(block, QS + unit % 4 * 512 + lane * 16),
            at<uint4>(block, QH + lane * 16),
            unit % 4};
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = scale(f.s, row, quad);
      const float m = offset(f.s, row, quad);
      const uint32_t fifths = word_of(f.fifths, row) >> (2 * f.quarter + quad) & 0x01010101u;
      const uint32_t word = PairedBlocks::values(f.q, row, quad) | fifths << 4;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = d * (lifted(word, i) - LIFT) - m;
      }
    }
  }
};

// A unit is half a block: of its columns, byte i of the lower four bits holds i and i + 64, and byte i of the upper
// two bits i, i + 32, i + 64 and i + 96.
struct Q6_K : layout::Q6_K {
  static constexpr bool ALWAYS_ALIGNED = true;
  static constexpr int UNIT = 128;
  static constexpr int QUADS = 4;
  struct Fragment {
    uint2 d;
    uint32_t scales[4];
    uint4 lower[2];
    uint4 upper;
  };

  static __device__ __forceinline__ size_t tile_bytes(int cols) {
    return (size_t)(cols / BLOCK_COLS) * BLOCK_BYTES;
  }

  static __device__ __forceinline__ int column(int unit, int lane, int quad) {
    return unit * UNIT + lane / 4 * 4 + quad * 32;
  }

  static __device__ __forceinline__ Fragment load(const uint8_t* tile, int unit, int lane, int cols) {
    const uint8_t* block = tile + (size_t)(unit / 2) * BLOCK_BYTES;
    const uint8_t* half = block + QL + unit % 2 * (SECOND_QL - QL);
    Fragment f;
    f.d = at<uint2>(block, D + lane % 4 * 8);
#pragma unroll
    for (int quad = 0; quad < 4; quad++) {
      f.scales[quad] = at<uint32_t>(block, SCALES + (unit % 2 * 8 + quad * 2 + lane / 16) * 16 + lane % 4 * 4);
    }
    f.lower[0] = at<uint4>(half, lane * 16);
    f.lower[1] = at<uint4>(half, 512 + lane * 16);
    f.upper = at<uint4>(half, QH - QL + lane * 16);
    return f;
  }

  static __device__ __forceinline__ void decode(const Fragment& f, int quad, float w[4][4]) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      const float d = half_of(f.d, row) * (float)(int8_t)(f.scales[quad] >> (8 * row));
      const uint32_t upper = word_of(f.upper, row) >> (2 * quad) & 0x03030303u;
      const uint32_t word = PairedBlocks::values(f.lower[quad % 2], row, quad / 2) | upper << 4;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        w[row][i] = d * (lifted(word, i) - (LIFT + 32));
      }
    }
  }
};
