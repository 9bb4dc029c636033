package io.moetier.kernels.device;

import io.moetier.kernels.tensor.WeightMatrix;
import org.jspecify.annotations.Nullable;

/// What computes on a device, behind [Kernels], which has checked everything before it calls: buffers are the device's
/// own and long enough, shapes suit each other, caches have room, and there is at least one row or element. So nothing
/// is checked again here, and no product of lengths that a buffer holds overflows 32 bits.
public interface Backend {
    /// Prepares for an operation, on the thread that computes.
    ///
    /// @throws IllegalStateException if the device is closed
    void enter();

    /// Says whether a buffer is one of this device.
    boolean owns(DeviceBuffer buffer);

    /// Says whether it attends with keys and values of so many elements.
    default boolean supportsAttention(KvType type, int keyDim, int valueDim) {
        return true;
    }

    /// Says whether it chooses by index keys of so many elements.
    default boolean supportsIndex(int dim) {
        return true;
    }

    /// Says whether it chooses experts itself, by this rule for `n` tokens; else [Kernels] composes that of other
    /// operations.
    default boolean supportsRouting(Routing routing, int n) {
        return false;
    }

    /// As [Kernels#embed].
    void embed(WeightMatrix table, int[] tokens, int from, int n, DeviceBuffer out);

    /// As [Kernels#rmsNorm].
    void rmsNorm(DeviceBuffer x, int rows, int cols, float[] weight, float eps, DeviceBuffer out);

    /// As [Kernels#layerNorm].
    void layerNorm(
            DeviceBuffer x, int rows, int cols, float[] weight, float @Nullable [] bias, float eps, DeviceBuffer out);

    /// As [Kernels#matmul].
    void matmul(WeightMatrix w, DeviceBuffer x, int xRow, int n, DeviceBuffer out, int outRow);

    /// As [Kernels#matmul].
    void matmul(WeightMatrix[] ws, DeviceBuffer x, int n, DeviceBuffer[] outs);

    /// As [Kernels#matmulPerHead].
    void matmulPerHead(WeightMatrix[] ws, DeviceBuffer x, int n, int headDim, DeviceBuffer out);

    /// As [Kernels#matmulRows].
    void matmulRows(WeightMatrix w, DeviceBuffer x, int[] rows, int from, int n, DeviceBuffer out, int[] outRows);

    /// As [Kernels#addBias].
    void addBias(DeviceBuffer x, int rows, int cols, float[] bias);

    /// As [Kernels#clamp].
    void clamp(DeviceBuffer x, int length, float limit);

    /// As [Kernels#copy], to elements `outAt` and on of `out`; [Kernels#appendRows] is the same.
    void copy(DeviceBuffer x, int length, DeviceBuffer out, int outAt);

    /// As [Kernels#copyRows].
    void copyRows(DeviceBuffer x, int[] rows, int[] outRows, int from, int n, int cols, DeviceBuffer out);

    /// As [Kernels#scale].
    void scale(DeviceBuffer x, int length, float factor);

    /// As [Kernels#scaleRows].
    void scaleRows(DeviceBuffer x, float[] factors, int n, int k, int cols, DeviceBuffer out);

    /// As [Kernels#combine].
    void combine(DeviceBuffer x, float alpha, DeviceBuffer y, float beta, int length, DeviceBuffer out);

    /// As [Kernels#add].
    void add(DeviceBuffer x, DeviceBuffer y, int length);

    /// As [Kernels#rope].
    void rope(DeviceBuffer x, int n, int heads, int headDim, int from, int firstPosition, RopeTable table);

    /// As [Kernels#forget].
    void forget(RopeTable table);

    /// As [Kernels#storeKv].
    void storeKv(DeviceBuffer k, DeviceBuffer v, int n, int firstPosition, KvLayer cache);

    /// As [Kernels#attention].
    void attention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            AttentionShape shape,
            KvLayer cache,
            @Nullable KeyChoice choice,
            DeviceBuffer out);

    /// As [Kernels#storeIndexKeys].
    void storeIndexKeys(DeviceBuffer keys, int n, int firstPosition, IndexLayer cache);

    /// As [Kernels#chooseKeys].
    void chooseKeys(
            DeviceBuffer q,
            @Nullable DeviceBuffer weights,
            int n,
            int firstPosition,
            IndexShape shape,
            IndexLayer cache,
            DeviceBuffer out);

    /// As [Kernels#storeLatents].
    void storeLatents(DeviceBuffer latents, DeviceBuffer keys, int n, int firstPosition, LatentLayer cache);

    /// As [Kernels#latentAttention].
    void latentAttention(
            DeviceBuffer absorbed,
            DeviceBuffer q,
            int n,
            int firstPosition,
            LatentShape shape,
            LatentLayer cache,
            @Nullable KeyChoice choice,
            DeviceBuffer out);

    /// As [Kernels#mutualAttention].
    default void mutualAttention(
            DeviceBuffer q, DeviceBuffer k, DeviceBuffer v, int n, SequenceShape shape, DeviceBuffer out) {
        sequenceAttention(q, n, 0, k, v, n, shape, null, out);
    }

    /// As [Kernels#sequenceAttention].
    void sequenceAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            DeviceBuffer k,
            DeviceBuffer v,
            int numKeys,
            SequenceShape shape,
            @Nullable DeviceBuffer bias,
            DeviceBuffer out);

    /// As [Kernels#route].
    void route(DeviceBuffer logits, int n, Routing routing, float @Nullable [] correction, int[] ids, float[] weights);

    /// Computes the maps of a router and chooses, as the method of [Kernels], where [#supportsRouting] says that it
    /// can.
    default void route(RouterWeights router, DeviceBuffer x, int n, DeviceBuffer[] outs, ExpertChoices choices) {
        throw new UnsupportedOperationException();
    }

    /// As [Kernels#largest].
    void largest(DeviceBuffer x, int from, int n, int k, Largest out);

    /// As [Kernels#expertFfn].
    void expertFfn(ExpertBatch batch, DeviceBuffer x, DeviceBuffer out);

    /// As [Kernels#weightedSum].
    void weightedSum(DeviceBuffer expertRows, float[] weights, int n, int k, int cols, DeviceBuffer out);

    /// As [Kernels#weightedSum], with weights that the device chose itself.
    default void weightedSum(DeviceBuffer expertRows, ExpertChoices choices, int n, int k, int cols, DeviceBuffer out) {
        throw new UnsupportedOperationException();
    }

    /// As [Kernels#addRows].
    void addRows(DeviceBuffer x, int xRow, @Nullable DeviceBuffer gateLogit, int rows, int cols, DeviceBuffer out);

    /// As [Kernels#clear].
    void clear(DeviceBuffer x, int length);

    /// As [Kernels#multiply].
    void multiply(DeviceBuffer x, DeviceBuffer y, int length);

    /// As [Kernels#activate].
    void activate(DeviceBuffer x, int length, Activation activation);

    /// As [Kernels#addScaled].
    void addScaled(DeviceBuffer x, int rows, int cols, float[] factors, DeviceBuffer out);

    /// As [Kernels#causalConvolution].
    void causalConvolution(
            DeviceBuffer x, int n, int channels, float[] taps, float @Nullable [] bias, DeviceBuffer state);

    /// As [Kernels#selectiveScan].
    void selectiveScan(
            DeviceBuffer x,
            DeviceBuffer step,
            DeviceBuffer b,
            DeviceBuffer c,
            int n,
            int channels,
            float[] rates,
            DeviceBuffer state,
            DeviceBuffer out);

    /// As [Kernels#linearAttention].
    void linearAttention(
            DeviceBuffer q,
            DeviceBuffer k,
            DeviceBuffer v,
            @Nullable DeviceBuffer step,
            @Nullable DeviceBuffer strength,
            float[] rates,
            int n,
            LinearAttentionShape shape,
            DeviceBuffer state,
            DeviceBuffer out);

    /// As [Kernels#compressedAttention].
    void compressedAttention(
            DeviceBuffer q,
            int n,
            int firstPosition,
            CompressedShape shape,
            LatentLayer recent,
            @Nullable LatentLayer entries,
            @Nullable KeyChoice choice,
            DeviceBuffer out);

    /// As [Kernels#compress].
    void compress(
            DeviceBuffer values,
            DeviceBuffer gates,
            float[] places,
            int n,
            int firstPosition,
            CompressedShape.Pooling shape,
            DeviceBuffer state,
            DeviceBuffer out);

    /// As [Kernels#connect].
    void connect(DeviceBuffer mixes, int n, StreamShape shape, DeviceBuffer out);

    /// As [Kernels#readStreams].
    void readStreams(
            DeviceBuffer streams, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer out);

    /// As [Kernels#writeStreams].
    void writeStreams(
            DeviceBuffer x, DeviceBuffer coefficients, int n, StreamShape shape, int cols, DeviceBuffer streams);

    /// As [Kernels#weigh].
    void weigh(DeviceBuffer logits, int n, Routing routing, int[] ids, float[] weights);
}
