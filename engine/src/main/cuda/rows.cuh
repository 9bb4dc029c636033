// The element types whose tiles are sixteen rows one after another, as ggml stores them.
//
// Of a type: row_bytes(cols), and element(row, k), the float that ggml makes of column k.
#pragma once
#include "common.cuh"

__device__ __forceinline__ float half_at(const uint8_t* bytes) {
  return __half2float(__ushort_as_half((unsigned short)(bytes[0] | bytes[1] << 8)));
}

// Of sixteen bytes of two values, that of element k of 32.
__device__ __forceinline__ int four_bits(const uint8_t* bytes, int k) {
  return bytes[k % 16] >> (k / 16 * 4) & 15;
}

__device__ __forceinline__ int fifth_bit(const uint8_t* bytes, int k) {
  return bytes[k / 8] >> (k % 8) & 1;
}

// Of runs of 32 bytes of four values, that of element k.
__device__ __forceinline__ int two_bits(const uint8_t* bytes, int k) {
  return bytes[k / 128 * 32 + k % 32] >> (k % 128 / 32 * 2) & 3;
}

// -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113, as bytes from the lowest on.
__device__ __forceinline__ float iq4(int code) {
  const uint64_t values = code < 8 ? 0xf6eaddcfbfad9881ull : 0x7159453526190d01ull;
  return (float)(int8_t)(values >> (code % 8 * 8));
}

template <int ELEMENTS, int BYTES>
struct Blocks {
  static __device__ __forceinline__ size_t row_bytes(int cols) {
    return (size_t)(cols / ELEMENTS) * BYTES;
  }

  static __device__ __forceinline__ const uint8_t* block(const uint8_t* row, int k) {
    return row + (size_t)(k / ELEMENTS) * BYTES;
  }
};

struct Q4_1 : Blocks<32, 20> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    return (float)four_bits(b + 4, k % 32) * half_at(b) + half_at(b + 2);
  }
};

struct Q5_0 : Blocks<32, 22> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    return (float)((four_bits(b + 6, k % 32) | fifth_bit(b + 2, k % 32) << 4) - 16) * half_at(b);
  }
};

struct Q5_1 : Blocks<32, 24> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    return (float)(four_bits(b + 8, k % 32) | fifth_bit(b + 4, k % 32) << 4) * half_at(b) + half_at(b + 2);
  }
};

struct Q2_K : Blocks<256, 84> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    const int i = k % 256;
    const float scale = half_at(b + 80) * (float)(b[i / 16] & 15);
    const float offset = half_at(b + 82) * (float)(b[i / 16] >> 4);
    return scale * (float)two_bits(b + 16, i) - offset;
  }
};

struct Q3_K : Blocks<256, 110> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    const int i = k % 256;
    const int group = i / 16;
    const int lower = b[96 + group % 8] >> (group / 8 * 4) & 15;
    const int upper = b[104 + group % 4] >> (group / 4 * 2) & 3;
    const float scale = half_at(b + 108) * (float)((lower | upper << 4) - 32);
    const int third = b[i % 32] >> (i / 32) & 1;
    return scale * (float)(two_bits(b + 32, i) - 4 + 4 * third);
  }
};

struct IQ4_NL : Blocks<32, 18> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    return half_at(b) * iq4(four_bits(b + 2, k % 32));
  }
};

struct IQ4_XS : Blocks<256, 136> {
  static __device__ __forceinline__ float element(const uint8_t* row, int k) {
    const uint8_t* b = block(row, k);
    const int group = k % 256 / 32;
    const int lower = b[4 + group / 2] >> (group % 2 * 4) & 15;
    const int upper = (b[2] | b[3] << 8) >> (2 * group) & 3;
    const float scale = half_at(b) * (float)((lower | upper << 4) - 32);
    return scale * iq4(four_bits(b + 8 + 16 * group, k % 32));
  }
};
