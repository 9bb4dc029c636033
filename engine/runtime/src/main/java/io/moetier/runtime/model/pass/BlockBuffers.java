package io.moetier.runtime.model.pass;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.KeyChoice;
import io.moetier.runtime.model.spec.BlockSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// What a block reads, writes, and uses in between. The residual stream is not among it.
public final class BlockBuffers {
    private final Device device;
    private final DeviceBuffer in;
    private final DeviceBuffer out;
    private final DeviceBuffer[] intermediates;
    private final @Nullable KeyChoice choice;
    private final float[] rowFactors;
    private final int[] everyRow;
    private final MixtureBuffers mixture;

    BlockBuffers(ModelSpec spec, Device device, int batch, Workspace.Allocator floats, DeviceBuffer residual) {
        this.device = device;
        in = floats.of(batch, spec.hiddenSize());
        out = floats.of(batch, spec.hiddenSize());
        intermediates = IntStream.of(widths(spec))
                .mapToObj(width -> floats.of(batch, width))
                .toArray(DeviceBuffer[]::new);
        choice = spec.chosenKeys()
                .map(blocks -> new KeyChoice(floats.of(batch, blocks.floats()), blocks))
                .orElse(null);
        rowFactors = new float[batch];
        everyRow = IntStream.range(0, batch).toArray();
        mixture = new MixtureBuffers(spec, batch, floats, residual);
    }

    /// Returns what a block reads `[batch, hiddenSize]`: the residual stream after its norm.
    public DeviceBuffer in() {
        return in;
    }

    /// Returns what a block writes `[batch, hiddenSize]`.
    public DeviceBuffer out() {
        return out;
    }

    /// Returns what a block keeps between its operations, `[batch, …]` each.
    public DeviceBuffer[] intermediates() {
        return intermediates;
    }

    /// Returns the keys that an indexer has chosen for the tokens of the pass, until the next one does.
    ///
    /// @throws NullPointerException if the model has no indexer
    public KeyChoice choice() {
        return Objects.requireNonNull(choice);
    }

    /// Returns room for a factor of each row `[batch]`.
    public float[] rowFactors() {
        return rowFactors;
    }

    /// Returns the rows 0, 1, 2, … `[batch]`.
    public int[] everyRow() {
        return everyRow;
    }

    /// Returns what mixtures need beside this.
    public MixtureBuffers mixture() {
        return mixture;
    }

    /// Returns the first `count` rows of a buffer, to be shown.
    public Rows rows(DeviceBuffer buffer, int count, int cols) {
        return rows(buffer, 0, count, cols);
    }

    /// Returns `count` rows of a buffer from row `first` on, to be shown.
    public Rows rows(DeviceBuffer buffer, int first, int count, int cols) {
        return new Rows(device, buffer, first, count, cols);
    }

    long floats() {
        return (long) in.length()
                + out.length()
                + Arrays.stream(intermediates).mapToLong(DeviceBuffer::length).sum()
                + (choice == null ? 0 : choice.blocks().length())
                + mixture.floats();
    }

    /// Returns the most floats per token that any block needs for each of its intermediate results.
    private static int[] widths(ModelSpec spec) {
        List<List<Integer>> ofBlocks =
                spec.blocks(BlockSpec.class).map(BlockSpec::intermediates).toList();
        int most = Workspace.widest(ofBlocks.stream().mapToInt(List::size));
        return IntStream.range(0, most)
                .map(i -> Workspace.widest(
                        ofBlocks.stream().filter(widths -> widths.size() > i).mapToInt(widths -> widths.get(i))))
                .toArray();
    }
}
