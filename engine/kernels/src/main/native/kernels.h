/*
 * The kernels of the CPU, as the JVM calls them. They keep no state, start no threads and allocate nothing; every call
 * does one thread's share of an operation and takes a few milliseconds at most, since the garbage collector waits
 * for it. Callers check sizes.
 *
 * A function is compiled once for each level of instructions, and its name ends with the level: _v3 (x86-64-v3: AVX2,
 * FMA, F16C), _avx512 (AVX-512 with VNNI and BF16), _amx (_avx512 and AMX-INT8, with the same bits), _dotprod (Armv8.2
 * with dotprod and fp16). Of _amx there is what multiplies; the rest of that level is _avx512's.
 *
 * `type` is a number of layout.h. Weights are in the layout r16 of io.moetier.kernels.tensor.WeightMatrix. A result's
 * bits depend on neither the number of columns nor the share.
 */
#ifndef MOETIER_KERNELS_H
#define MOETIER_KERNELS_H

#include "layout.h"

#include <stdint.h>

#define MOETIER_PASTE_(name, level) moetier_##name##_##level
#define MOETIER_PASTE(name, level) MOETIER_PASTE_(name, level)
#define KERNEL(name) __attribute__((visibility("default"))) MOETIER_PASTE(name, MOETIER_LEVEL)

/*
 * The best level that this processor and its operating system run: 0 none, 1 _v3, 2 _avx512, 3 _dotprod, 4 _amx. Call
 * it before any kernel of _amx: it asks the operating system for the registers.
 */
__attribute__((visibility("default"))) int moetier_level(void);

/* Nonzero if `multiply` has a kernel for weights of `type`. */
int KERNEL(multiplies)(int type);

/*
 * Packs the columns `first` to `last` (exclusive) of `n`. Column i is row rows[row + i], or row + i if `rows` is null,
 * of x, whose rows are `stride` elements apart. Quantised types take int8 activations with one scale for each 32,
 * MXFP4 three int8 for each activation, float types float32 ones. Room: floats or bytes n * cols, scales
 * n * cols / 32 + 3, sums n * cols / 16 + 6; for MXFP4 three times the bytes and sums. What lies where is the business
 * of this file's implementation.
 */
void KERNEL(pack)(int type, const float *x, int stride, const int32_t *rows, int row, int cols, int n, int first,
                  int last, float *floats, int8_t *bytes, float *scales, int32_t *sums);

/*
 * Multiplies `tiles` tiles of sixteen rows, from `w` on, by the columns `first` to `last` (exclusive) of `n` packed
 * ones. `first` is a multiple of 8. The results of column i, [tiles][16], go to y from element offset + at[i] on.
 */
void KERNEL(multiply)(int type, const void *w, int tiles, int cols, int n, int first, int last, const float *floats,
                      const int8_t *bytes, const float *scales, const int32_t *sums, float *y, int offset,
                      const int32_t *at);

/*
 * gate[i] = silu(gate[i]) * up[i] for `length` elements of each of the columns `first` to `last` (exclusive), which
 * start at the offset plus at[column].
 */
void KERNEL(swiglu)(int first, int last, int length, float *gate, int gate_offset, const int32_t *gate_at,
                    const float *up, int up_offset, const int32_t *up_at);

/* out[i] = x[i] * weight[i] / sqrt(mean(x^2) + eps) for each of the rows; out may be x. */
void KERNEL(rms_norm)(const float *x, int rows, int cols, const float *weight, float eps, float *out);

/*
 * Stores keys and values in the layout of io.moetier.kernels.device.KvLayer, as the float16 that is nearest within its
 * range. Vectors of head_dim elements lie one after another in k, and of value_dim in v, those of the `heads` heads of a
 * position in a row: the one at k[0] is number `from`, counted from head 0 at `position`, and `to` is the first that is
 * not stored. chunks are those of `attend`.
 */
void KERNEL(store_halves)(const float *k, const float *v, int from, int to, int position, int heads, int head_dim,
                          int value_dim, void *const *chunks);

/*
 * Attention of `heads` heads that share a key head, at `position` and the `rows - 1` positions after it. q has its heads
 * of head_dim elements in a row from element `at` on, out those of value_dim elements from `out_at` on, and both those of
 * the next position `all_heads` heads further. A query sees the keys up to its own position: the `window` last ones of them if that is not 0, and those of
 * its own chunk if positions are cut into chunks of `chunk`, which is 0 otherwise. Scores are multiplied by `scale`. If
 * `sinks` is not null, sinks[sink + i] is one more score of head i, without a value.
 *
 * chunks[2 * c] are the keys of positions 256 * c and on, chunks[2 * c + 1] the values, in the layout of
 * io.moetier.kernels.device.KvLayer, float16 if `half` and else float32; the heads read key head number kv_head. scratch
 * has room for rows * heads * (head_dim + value_dim + 288) floats.
 */
void KERNEL(attend)(int half, const void *const *chunks, int kv_head, int rows, int heads, int head_dim, int value_dim,
                    int all_heads, float scale, int window, int chunk, const float *sinks, int sink, int position,
                    const float *q, int at, float *out, int out_at, float *scratch);

/*
 * Attends with sixteen heads to `count` positions more, whose latents of latent_dim elements, each followed by a rotated
 * key, lie at `rows`, key_dim elements from one to the next, float16 if `half` and else float32. The arrays are those of
 * io.moetier.kernels.cpu.arithmetic.LatentBlock: q [key_dim][16], sums [latent_dim][16], largest and total [16], and
 * room for weights [32][16] and decoded [32][key_dim].
 */
void KERNEL(attend_latents)(int half, const void *rows, int count, int latent_dim, int key_dim, float scale,
                            const float *q, float *sums, float *largest, float *total, float *weights,
                            float *decoded);

/*
 * Interleaves rows of weights: num_rows of them, at most sixteen and the rest zeros, which have `blocks` blocks each and
 * start row_bytes apart. layout are the bytes of a block, a number of parts, and for each part the bytes of a unit (1, 2
 * or 4), how many units it has, where it starts in a row's block and where in the one that sixteen rows share: there,
 * unit i of row r is unit 16 * i + r. If there is one part, it is one unit, the whole block.
 */
void KERNEL(interleave)(const uint8_t *rows, int64_t row_bytes, int num_rows, int blocks, const int32_t *layout,
                        uint8_t *tile);

#endif
