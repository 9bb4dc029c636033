package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaStream;
import io.moetier.kernels.cuda.driver.ParameterBlock;
import io.moetier.kernels.cuda.driver.StructWriter;
import io.moetier.kernels.device.IndexLayer;
import io.moetier.kernels.device.IndexShape;
import io.moetier.kernels.device.KvLayer;
import io.moetier.kernels.device.KvType;

/// The choice of keys: a launch whose blocks are a token over a chunk of index keys, and one whose blocks are a
/// list of their scores.
final class Indexer implements AutoCloseable {
    private static final int THREADS = 256;

    private final CudaStream stream;
    private final KernelModules kernels;
    private final ParameterBlock parameter;
    private final ChunkTable table;
    private final Scratch scores;

    Indexer(CudaHeap heap, CudaStream stream, KernelModules kernels, Staging staging, ParameterBlock parameter) {
        scores = new Scratch(heap);
        this.stream = stream;
        this.kernels = kernels;
        this.parameter = parameter;
        table = new ChunkTable(staging, parameter);
    }

    /// As [io.moetier.kernels.device.Kernels#chooseKeys].
    ///
    /// @param weights where the weights of heads are; 0 for none
    void choose(
            CudaBuffer q, long weights, int n, int firstPosition, IndexShape shape, IndexLayer cache, CudaBuffer out) {
        int lists = shape.blocks().numHeads();
        long ofToken = Math.max(1, (long) lists * shape.blocks().begun(firstPosition + n - 1));
        int together = Math.clamp(CacheAttention.MOST_PARTIAL / ofToken, 1, n);
        for (int token = 0; token < n; token += together) {
            int tokens = Math.min(together, n - token);
            int first = firstPosition + token;
            int stride = shape.blocks().begun(first + tokens - 1);
            int chunks = Math.ceilDiv(shape.blocks().seen(first + tokens - 1), KvLayer.CHUNK_POSITIONS);
            long found = scores.reserve((long) tokens * lists * stride);
            long staged = table.stage(cache.addresses(), chunks);
            StructWriter writer = parameter
                    .begin()
                    .address(found)
                    .address(q.address((long) token * shape.numHeads() * shape.dim()))
                    .address(weights == 0 ? 0 : weights + (long) Float.BYTES * token * shape.numHeads())
                    .number(shape.numHeads())
                    .number(shape.dim())
                    .number(first)
                    .number(shape.blocks().length())
                    .number(stride)
                    .number(shape.blocks().rate());
            table.write(writer, cache.addresses(), staged, chunks);
            CudaFunction kernel = cache.type() == KvType.F16 ? kernels.indexScoresF16 : kernels.indexScoresF32;
            if (chunks > 0) {
                kernel.launch(stream, chunks, tokens, 1, THREADS, parameter);
            }
            parameter
                    .begin()
                    .address(found)
                    .address(out.address((long) token * shape.blocks().floats()))
                    .number(lists)
                    .number(stride)
                    .number(first)
                    .number(shape.blocks().most())
                    .number(shape.blocks().length())
                    .number(shape.blocks().rate());
            kernels.chooseKeys.launch(stream, lists, tokens, 1, THREADS, parameter);
        }
    }

    /// Says whether the queries of eight heads fit the shared memory of a block.
    static boolean hasRoom(int dim) {
        return dim <= CacheAttention.MOST_QUERY;
    }

    long byteSize() {
        return scores.byteSize();
    }

    @Override
    public void close() {
        scores.close();
    }
}
