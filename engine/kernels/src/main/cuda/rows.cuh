// The element types whose tiles are sixteen rows one after another, as ggml stores them.
//
// Of a type: element(matrix, cols, row, k), the float that ggml makes of column k of a row.
#pragma once
#include "common.cuh"
#include "layout.cuh"

__device__ __forceinline__ float half_at(const uint8_t* bytes) {
  return __half2float(__ushort_as_half((unsigned short)(bytes[0] | bytes[1] << 8)));
}

// Of runs of 32 bytes of four values, that of element k.
__device__ __forceinline__ int two_bits(const uint8_t* bytes, int k) {
  return bytes[k / 128 * 32 + k % 32] >> (k % 128 / 32 * 2) & 3;
}

template <class Layout>
__device__ __forceinline__ const uint8_t* block_of_row(const uint8_t* matrix, int cols, int row, int k) {
  const int blocks = cols / Layout::BLOCK_COLS;
  return matrix + ((size_t)row * blocks + k / Layout::BLOCK_COLS) * Layout::ROW_BLOCK_BYTES;
}

struct Q2_K {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block_of_row<layout::Q2_K>(matrix, cols, row, k);
    const int i = k % 256;
    const float scale = half_at(b + 80) * (float)(b[i / 16] & 15);
    const float offset = half_at(b + 82) * (float)(b[i / 16] >> 4);
    return scale * (float)two_bits(b + 16, i) - offset;
  }
};

struct Q3_K {
  static __device__ __forceinline__ float element(const uint8_t* matrix, int cols, int row, int k) {
    const uint8_t* b = block_of_row<layout::Q3_K>(matrix, cols, row, k);
    const int i = k % 256;
    const int group = i / 16;
    const int lower = b[96 + group % 8] >> (group / 8 * 4) & 15;
    const int upper = b[104 + group % 4] >> (group / 4 * 2) & 3;
    const float scale = half_at(b + 108) * (float)((lower | upper << 4) - 32);
    const int third = b[i % 32] >> (i / 32) & 1;
    return scale * (float)(two_bits(b + 32, i) - 4 + 4 * third);
  }
};
