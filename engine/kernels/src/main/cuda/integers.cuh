// Quantised weights as whole numbers of eight bits: 32 columns of one row at a time, in the layout of WeightMatrix.
//
// Of a type T:
//   DIGITS<T>                              whole numbers that an activation becomes, as in rounded.cu
//   HALVES<T>                              whether each sixteen columns have a scale of their own
//   OFFSETS<T>                             whether something is added to all weights of a block
//   decode(T(), tile, block, row, to)      the weights of a block of 32 columns
#pragma once
#include "weights.cuh"

// Weight i is byte i times `scale`. `other` is the scale of the last sixteen, or what is added to every weight.
struct Integers {
  uint32_t words[8];
  float scale;
  float other;
};

template <class T>
constexpr int DIGITS = 1;
template <>
constexpr int DIGITS<MXFP4> = 3;

template <class T>
constexpr bool HALVES = false;
template <>
constexpr bool HALVES<Q6_K> = true;

template <class T>
constexpr bool OFFSETS = false;
template <>
constexpr bool OFFSETS<Q4_1> = true;
template <>
constexpr bool OFFSETS<Q5_1> = true;
template <>
constexpr bool OFFSETS<Q4_K> = true;
template <>
constexpr bool OFFSETS<Q5_K> = true;

// Word `i` of a row, of an array of words of sixteen rows.
__device__ __forceinline__ uint32_t row_word(const uint8_t* words, int i, int row) {
  return at<uint32_t>(words, i * 64 + row * 4);
}

__device__ __forceinline__ float row_half(const uint8_t* halves, int row) {
  return __half2float(__ushort_as_half(at<unsigned short>(halves, row * 2)));
}

// Four bytes below 128, each less what the same byte of `offsets` says: numbers with a sign.
__device__ __forceinline__ uint32_t less(uint32_t bytes, uint32_t offsets) {
  return ((bytes | 0x80808080u) - offsets) ^ 0x80808080u;
}

// The first sixteen columns are the lower halves of bytes, the others the upper ones.
__device__ __forceinline__ void decode_pairs(const uint8_t* pairs, int row, uint32_t (&words)[8]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const uint32_t word = row_word(pairs, i, row);
    words[i] = word & 0x0f0f0f0fu;
    words[i + 4] = word >> 4 & 0x0f0f0f0fu;
  }
}

// Bit i of a byte of `fifths` is the fifth bit of that byte of word i.
__device__ __forceinline__ void add_fifths(uint32_t fifths, uint32_t (&words)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) {
    words[i] |= (fifths >> i & 0x01010101u) << 4;
  }
}

__device__ __forceinline__ void subtract(uint32_t offsets, uint32_t (&words)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i++) {
    words[i] = less(words[i], offsets);
  }
}

// Of four codes, those of the lower sixteen bits, the numbers of a table of sixteen.
__device__ __forceinline__ uint32_t look_up(const uint32_t (&table)[4], uint32_t codes) {
  const uint32_t lower = __byte_perm(table[0], table[1], codes & 0x7777u);
  const uint32_t upper = __byte_perm(table[2], table[3], codes & 0x7777u);
  return __byte_perm(lower, upper, 0x3210u | (codes & 0x8888u) >> 1);
}

__device__ __forceinline__ void decode_codes(
    const uint32_t (&table)[4], const uint8_t* pairs, int row, uint32_t (&words)[8]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const uint32_t word = row_word(pairs, i, row);
    const uint32_t first = look_up(table, word);  // byte 0: its halves, then those of byte 1
    const uint32_t last = look_up(table, word >> 16);
    words[i] = __byte_perm(first, last, 0x6420);
    words[i + 4] = __byte_perm(first, last, 0x7531);
  }
}

__device__ __forceinline__ void decode_iq4(const uint8_t* pairs, int row, uint32_t (&words)[8]) {
  const uint32_t table[4] = {0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u};
  decode_codes(table, pairs, row, words);
}

__device__ __forceinline__ void decode(Q8_0, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)block * Q8_0::BLOCK_BYTES;
  to.scale = row_half(from + Q8_0::D, row);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    to.words[i] = row_word(from + Q8_0::QS, i, row);
  }
}

__device__ __forceinline__ void decode(Q4_0, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)block * Q4_0::BLOCK_BYTES;
  to.scale = row_half(from + Q4_0::D, row);
  decode_pairs(from + Q4_0::QS, row, to.words);
  subtract(0x08080808u, to.words);
}

__device__ __forceinline__ void decode(Q4_1, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)block * Q4_1::BLOCK_BYTES;
  to.scale = row_half(from + Q4_1::D, row);
  to.other = row_half(from + Q4_1::M, row);
  decode_pairs(from + Q4_1::QS, row, to.words);
}

__device__ __forceinline__ void decode(Q5_0, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)block * Q5_0::BLOCK_BYTES;
  to.scale = row_half(from + Q5_0::D, row);
  decode_pairs(from + Q5_0::QS, row, to.words);
  add_fifths(row_word(from + Q5_0::QH, 0, row), to.words);
  subtract(0x10101010u, to.words);
}

__device__ __forceinline__ void decode(Q5_1, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)block * Q5_1::BLOCK_BYTES;
  to.scale = row_half(from + Q5_1::D, row);
  to.other = row_half(from + Q5_1::M, row);
  decode_pairs(from + Q5_1::QS, row, to.words);
  add_fifths(row_word(from + Q5_1::QH, 0, row), to.words);
}

__device__ __forceinline__ void decode(IQ4_NL, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)block * IQ4_NL::BLOCK_BYTES;
  to.scale = row_half(from + IQ4_NL::D, row);
  decode_iq4(from + IQ4_NL::QS, row, to.words);
}

__device__ __forceinline__ void decode(IQ4_XS, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)(block / 8) * IQ4_XS::BLOCK_BYTES;
  const int group = block % 8;
  to.scale = row_half(from + IQ4_XS::D, row) * (float)(int8_t)at<uint8_t>(from, IQ4_XS::SCALES + group * 16 + row);
  decode_iq4(from + IQ4_XS::QS + group * 256, row, to.words);
}

// Weights are doubled, and so whole numbers; the scale is halved.
__device__ __forceinline__ void decode(MXFP4, const uint8_t* tile, int block, int row, Integers& to) {
  const uint32_t table[4] = {0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu};
  const uint8_t* from = tile + (size_t)block * MXFP4::BLOCK_BYTES;
  to.scale = MXFP4::scale(at<uint8_t>(from, MXFP4::E + row));
  decode_codes(table, from + MXFP4::QS, row, to.words);
}

// The scale and what is added, of block `group` of the eight of Q4_K or Q5_K, where both lie alike.
__device__ __forceinline__ void decode_scales(const uint8_t* from, int group, int row, Integers& to) {
  to.scale = row_half(from + Q4_K::D, row) * (float)at<uint8_t>(from, Q4_K::SCALES + group * 16 + row);
  to.other = -(row_half(from + Q4_K::DMIN, row) *
               (float)at<uint8_t>(from, Q4_K::MINS + group / 2 * 32 + row * 2 + group % 2));
}

// Two blocks are the halves of the same bytes.
__device__ __forceinline__ uint32_t half_word(const uint8_t* pairs, int i, int row, bool upper) {
  return row_word(pairs, i, row) >> (upper ? 4 : 0) & 0x0f0f0f0fu;
}

__device__ __forceinline__ void decode(Q4_K, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)(block / 8) * Q4_K::BLOCK_BYTES;
  const int group = block % 8;
  decode_scales(from, group, row, to);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    to.words[i] = half_word(from + Q4_K::QS + group / 2 * 512, i, row, group % 2 != 0);
  }
}

__device__ __forceinline__ void decode(Q5_K, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)(block / 8) * Q5_K::BLOCK_BYTES;
  const int group = block % 8;
  decode_scales(from, group, row, to);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const uint32_t fifths = row_word(from + Q5_K::QH, i, row) >> group & 0x01010101u;
    to.words[i] = half_word(from + Q5_K::QS + group / 2 * 512, i, row, group % 2 != 0) | fifths << 4;
  }
}

__device__ __forceinline__ void decode(Q6_K, const uint8_t* tile, int block, int row, Integers& to) {
  const uint8_t* from = tile + (size_t)(block / 8) * Q6_K::BLOCK_BYTES;
  const int group = block % 8;
  const uint8_t* half = from + Q6_K::QL + group / 4 * (Q6_K::SECOND_QL - Q6_K::QL);
  const float d = row_half(from + Q6_K::D, row);
  to.scale = d * (float)(int8_t)at<uint8_t>(from, Q6_K::SCALES + group * 32 + row);
  to.other = d * (float)(int8_t)at<uint8_t>(from, Q6_K::SCALES + TILE_ROWS + group * 32 + row);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    const uint32_t upper = row_word(half + (Q6_K::QH - Q6_K::QL), i, row) >> (group % 4 * 2) & 0x03030303u;
    const uint32_t lower = half_word(half + group % 2 * 512, i, row, group % 4 >= 2);
    to.words[i] = less(lower | upper << 4, 0x20202020u);
  }
}
