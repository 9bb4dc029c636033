package io.moetier.runtime.model.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.runtime.model.spec.weight.VectorSpec;
import org.junit.jupiter.api.Test;

/// Buckets as section 2.1 of Raffel et al. 2020 describes them, 32 up to a distance of 128.
class RelativeBiasTest {
    private static final VectorSpec TABLE = VectorSpec.of("table", 32);
    private static final RelativeBiasSpec BOTH_WAYS = new RelativeBiasSpec(TABLE, 32, 128, true);
    private static final RelativeBiasSpec BACKWARDS = new RelativeBiasSpec(TABLE, 32, 128, false);

    @Test
    void nearDistancesHaveABucketEach() {
        for (int distance = 0; distance < 8; distance++) {
            assertEquals(distance, BOTH_WAYS.bucket(-distance));
            assertEquals(distance == 0 ? 0 : 16 + distance, BOTH_WAYS.bucket(distance));
        }
        assertEquals(15, BACKWARDS.bucket(-15));
    }

    @Test
    void fartherOnesShareBucketsOfGrowingWidth() {
        assertEquals(8, BOTH_WAYS.bucket(-8));
        assertEquals(8, BOTH_WAYS.bucket(-11));
        assertEquals(9, BOTH_WAYS.bucket(-12));
        assertEquals(15, BOTH_WAYS.bucket(-127));
    }

    @Test
    void allFromTheLargestDistanceOnShareTheLast() {
        assertEquals(15, BOTH_WAYS.bucket(-128));
        assertEquals(31, BOTH_WAYS.bucket(100_000));
        assertEquals(31, BACKWARDS.bucket(-100_000));
        assertEquals(0, BACKWARDS.bucket(5));
    }
}
