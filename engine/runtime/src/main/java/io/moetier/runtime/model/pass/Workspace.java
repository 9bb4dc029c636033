package io.moetier.runtime.model.pass;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.model.spec.LayerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.ResidualSpec;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/// The buffers of one batch, allocated once so that a forward pass allocates nothing. Confined to one session. What the
/// pass is about is a [Pass].
public final class Workspace {
    private final int batch;
    private final DeviceBuffer residual;
    private final DeviceBuffer aside;
    private final StreamBuffers streams;
    private final float[] ones;
    private final BlockBuffers block;

    public Workspace(ModelSpec spec, Device device, Arena arena, int batch) {
        this(spec, device, length -> device.allocate(length, arena), batch);
    }

    private Workspace(ModelSpec spec, Device device, IntFunction<DeviceBuffer> allocator, int batch) {
        Allocator floats = (rows, cols) -> allocator.apply(Math.multiplyExact(rows, cols));
        this.batch = batch;
        residual = floats.of(batch, spec.numStreams() * spec.hiddenSize());
        streams = StreamBuffers.of(spec, batch, floats);
        ones = new float[spec.numStreams() > 1 ? batch * spec.numStreams() : 0];
        Arrays.fill(ones, 1f);
        aside = floats.of(spec.layers().stream().anyMatch(Workspace::setsAside) ? batch : 0, spec.hiddenSize());
        block = new BlockBuffers(spec, device, batch, floats, residual);
    }

    /// A buffer that is only counted.
    private record Counted(int length) implements DeviceBuffer {}

    /// Returns the bytes that a workspace for batches of at most `batch` tokens takes.
    public static long bytes(ModelSpec spec, Device device, int batch) {
        return new Workspace(spec, device, Counted::new, batch).byteSize();
    }

    /// Allocates rows of activations and fails on sizes beyond an array's.
    interface Allocator {
        DeviceBuffer of(int rows, int cols);
    }

    /// Returns how many tokens one forward pass takes at most.
    public int batch() {
        return batch;
    }

    /// Returns the residual stream `[batch, hiddenSize]`, or several `[batch, streams, hiddenSize]`, which sublayers
    /// advance.
    public DeviceBuffer residual() {
        return residual;
    }

    /// Returns what stands between several residual streams and a sublayer.
    public StreamBuffers streams() {
        return streams;
    }

    /// Returns a factor of 1 for each stream `[batch * streams]`, if there are several.
    public float[] ones() {
        return ones;
    }

    /// Returns a result that waits for the end of its layer `[batch, hiddenSize]`.
    public DeviceBuffer aside() {
        return aside;
    }

    /// Returns what blocks work with.
    public BlockBuffers block() {
        return block;
    }

    /// Returns the largest of the buffers in which nothing is kept from one layer to the next: room for what is made of
    /// the last one's results, until the next pass begins.
    public DeviceBuffer idleBetweenPasses() {
        return block.mixture().expertRows();
    }

    /// Returns the bytes of all buffers.
    public long byteSize() {
        long floats = (long) residual.length() + streams.floats() + aside.length() + block.floats();
        // ids, weights, tiers, and tokens and rows of the groups
        return Float.BYTES * floats + 20L * block.mixture().tiers().length;
    }

    static int widest(IntStream widths) {
        return widths.max().orElse(1);
    }

    private static boolean setsAside(LayerSpec layer) {
        return layer.sublayers().stream()
                .anyMatch(sublayer -> sublayer.residual().when() != ResidualSpec.When.NOW);
    }
}
