package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.Range;
import io.moetier.runtime.model.spec.weight.VectorSpec;
/// A bias on scores by how far the key is from the query (Raffel et al. 2020): near distances have a bucket each,
/// farther ones share buckets of growing width, and all from `maxDistance` on the last.
///
/// @param table [numBuckets, numHeads]
/// @param bidirectional whether keys after the query have half of the buckets; else they are not seen

public record RelativeBiasSpec(VectorSpec table, int numBuckets, int maxDistance, boolean bidirectional) {
    /// @throws IllegalArgumentException if a number is out of range
    public RelativeBiasSpec {
        Range.require("buckets of distances", numBuckets, bidirectional ? 4 : 2, Range.ROW);
        Range.require(
                "largest distance with a bucket",
                maxDistance,
                numBuckets / (bidirectional ? 4 : 2) + 1,
                Integer.MAX_VALUE);
    }

    /// Returns the bucket of a key that stands `distance` after the query, or before it if negative.
    public int bucket(int distance) {
        int half = bidirectional ? numBuckets / 2 : numBuckets;
        int first = bidirectional && distance > 0 ? half : 0;
        int apart = bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
        int exact = half / 2;
        if (apart < exact) {
            return first + apart;
        }
        double share = Math.log((double) apart / exact) / Math.log((double) maxDistance / exact);
        return first + Math.min(exact + (int) (share * (half - exact)), half - 1);
    }
}
