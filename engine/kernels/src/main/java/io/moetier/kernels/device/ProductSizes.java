package io.moetier.kernels.device;

/// How large the products that are computed on a device become at most, in activations: the tokens of a pass times
/// what each of them has.
///
/// @param columns that one matrix product reads, of [Kernels#matmul] and its like
/// @param experts that the experts of one [ExpertBatch] read, or have between gate and down, whichever is more for each
/// @param hidden that they have between gate and down
public record ProductSizes(long columns, long experts, long hidden) {
    /// What takes nothing.
    public static final ProductSizes NONE = new ProductSizes(0, 0, 0);

    /// Returns the larger of both, part by part.
    public ProductSizes max(ProductSizes other) {
        return new ProductSizes(
                Math.max(columns, other.columns), Math.max(experts, other.experts), Math.max(hidden, other.hidden));
    }
}
