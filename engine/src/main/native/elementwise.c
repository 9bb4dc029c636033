/* Functions of vectors of activations. */
#include "kernels.h"
#include "vectors.h"

#include <math.h>

#define LOG2_E 1.44269504f
/* ln 2 in two floats: the first has few enough digits that its product with an exponent is exact. */
#define LN2_UPPER 0.693359375f
#define LN2_LOWER -2.12194440e-4f

/*
 * Returns e^x for x >= -87: e^x = 2^n e^r with |r| <= ln(2) / 2, e^r by a polynomial. The last power of two is a factor of
 * its own, so that a finite result is not lost, and one beyond is infinite.
 */
INLINE vfloat exponential(vfloat x) {
    const float whole = 0x1.8p23f;
    x = -larger(-x, all_floats(-89));
    vfloat shifted = multiply_add(x, all_floats(LOG2_E), all_floats(whole));
    vfloat n = shifted - whole;
    vfloat r = multiply_add(n, all_floats(-LN2_UPPER), x);
    r = multiply_add(n, all_floats(-LN2_LOWER), r);
    vfloat e = all_floats(1.9875691500e-4f);
    e = multiply_add(e, r, all_floats(1.3981999507e-3f));
    e = multiply_add(e, r, all_floats(8.3334519073e-3f));
    e = multiply_add(e, r, all_floats(4.1665795894e-2f));
    e = multiply_add(e, r, all_floats(1.6666665459e-1f));
    e = multiply_add(e, r, all_floats(5.0000001201e-1f));
    e = multiply_add(e, r * r, r) + 1;
    vint exponent = (vint)shifted - (vint)all_floats(whole);
    return e * (vfloat)((exponent + 126) << 23) * 2;
}

/* An exponential below e^-87 changes nothing beside 1, one that is infinite gives zero. */
INLINE vfloat swiglu(vfloat gate, vfloat up) {
    return gate / (1 + exponential(larger(-gate, all_floats(-87)))) * up;
}

void KERNEL(swiglu)(float *gate, const float *up, int length) {
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
        store_floats(gate + i, swiglu(load_floats(gate + i), load_floats(up + i)));
    }
    float gates[LANES] = {0}, ups[LANES] = {0};
    const size_t rest = (size_t)(length - i) * sizeof(float);
    memcpy(gates, gate + i, rest);
    memcpy(ups, up + i, rest);
    store_floats(gates, swiglu(load_floats(gates), load_floats(ups)));
    memcpy(gate + i, gates, rest);
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

void KERNEL(rms_norm)(const float *x, int cols, const float *weight, float eps, float *out) {
    const float factor = (float)(1 / sqrt(sum_of_squares(x, cols) / cols + eps));
    for (int i = 0; i < cols; i++) {
        out[i] = x[i] * factor * weight[i];
    }
}
