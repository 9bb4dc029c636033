/* The exponential of a vector. */
#ifndef MOETIER_EXP_H
#define MOETIER_EXP_H

#include "vectors.h"

#define LOG2_E 1.44269504f
/* ln 2 in two floats: the first has few enough digits that its product with an exponent is exact. */
#define LN2_UPPER 0.693359375f
#define LN2_LOWER -2.12194440e-4f

/* Added to a number, it rounds it to a whole one, which the lowest bits of the sum then are. */
#define TO_WHOLE 0x1.8p23f

/* Returns e^r for r = x - n ln(2), |r| <= ln(2) / 2. */
INLINE vfloat exponential_of_rest(vfloat x, vfloat n) {
    vfloat r = multiply_add(n, all_floats(-LN2_UPPER), x);
    r = multiply_add(n, all_floats(-LN2_LOWER), r);
    vfloat e = all_floats(1.9875691500e-4f);
    e = multiply_add(e, r, all_floats(1.3981999507e-3f));
    e = multiply_add(e, r, all_floats(8.3334519073e-3f));
    e = multiply_add(e, r, all_floats(4.1665795894e-2f));
    e = multiply_add(e, r, all_floats(1.6666665459e-1f));
    e = multiply_add(e, r, all_floats(5.0000001201e-1f));
    return multiply_add(e, r * r, r) + 1;
}

/*
 * Returns e^x for x >= -87: e^x = 2^n e^r with |r| <= ln(2) / 2, e^r by a polynomial. The last power of two is a factor
 * of its own, so that a finite result is not lost, and one beyond is infinite.
 */
INLINE vfloat exponential(vfloat x) {
    x = -larger(-x, all_floats(-89));
    vfloat shifted = multiply_add(x, all_floats(LOG2_E), all_floats(TO_WHOLE));
    vfloat e = exponential_of_rest(x, shifted - TO_WHOLE);
    vint exponent = (vint)shifted - (vint)all_floats(TO_WHOLE);
    return e * (vfloat)((exponent + 126) << 23) * 2;
}

/* Returns e^x, and 0 for x < -87, where it is about the least normal float. A NaN gives nothing finite. */
INLINE vfloat exponential_or_zero(vfloat x) {
    return (vfloat)((vint)exponential(larger(all_floats(-87), x)) & ~(vint)(x < -87));
}

/* Returns the same for x <= 0, where the power of two is one factor, without looking at the limits first. */
INLINE vfloat exponential_of_negative(vfloat x) {
    vfloat shifted = multiply_add(x, all_floats(LOG2_E), all_floats(TO_WHOLE));
    vfloat e = exponential_of_rest(x, shifted - TO_WHOLE);
    return (vfloat)((vint)(e * (vfloat)(((vint)shifted + 127) << 23)) & ~(vint)(x < -87));
}

#endif
