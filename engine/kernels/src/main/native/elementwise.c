/* Functions of vectors of activations. */
#include "exp.h"
#include "kernels.h"
#include "vectors.h"

#include <math.h>

/* An exponential below e^-87 changes nothing beside 1, one that is infinite gives zero. */
INLINE vfloat swiglu(vfloat gate, vfloat up) {
    return gate / (1 + exponential(larger(-gate, all_floats(-87)))) * up;
}

static void swiglu_column(float *gate, const float *up, int length) {
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
        store_floats(gate + i, swiglu(load_floats(gate + i), load_floats(up + i)));
    }
    if (i == length) {
        return;
    }
    float gates[LANES] = {0}, ups[LANES] = {0};
    const size_t rest = (size_t)(length - i) * sizeof(float);
    memcpy(gates, gate + i, rest);
    memcpy(ups, up + i, rest);
    store_floats(gates, swiglu(load_floats(gates), load_floats(ups)));
    memcpy(gate + i, gates, rest);
}

void KERNEL(swiglu)(int first, int last, int length, float *gate, int gate_offset, const int32_t *gate_at,
                    const float *up, int up_offset, const int32_t *up_at) {
    for (int column = first; column < last; column++) {
        swiglu_column(gate + gate_offset + gate_at[column], up + up_offset + up_at[column], length);
    }
}

#define SUMS 16

static double sum_of_squares(const float *x, int length) {
    double sums[SUMS] = {0};
    int i = 0;
    for (; i <= length - SUMS; i += SUMS) {
        for (int j = 0; j < SUMS; j++) {
            sums[j] += (double)x[i + j] * x[i + j];
        }
    }
    double sum = 0;
    for (; i < length; i++) {
        sum += (double)x[i] * x[i];
    }
    for (int j = 0; j < SUMS; j++) {
        sum += sums[j];
    }
    return sum;
}

void KERNEL(rms_norm)(const float *x, int rows, int cols, const float *weight, float eps, float *out) {
    for (int row = 0; row < rows; row++, x += cols, out += cols) {
        const float factor = (float)(1 / sqrt(sum_of_squares(x, cols) / cols + eps));
        for (int i = 0; i < cols; i++) {
            out[i] = x[i] * factor * weight[i];
        }
    }
}
