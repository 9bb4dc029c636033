package io.moetier.runtime.model.memory;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec;
import io.moetier.runtime.model.spec.SequenceAttentionSpec.Reach;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The keys and values of one session of an encoder-decoder model: of the output so far, and of what the encoder gave.
/// In float32, since such models are small and their sequences short.
public final class SequenceMemory implements AutoCloseable {
    private static final int KEYS = 0;
    private static final int VALUES = 1;

    private final Device device;
    private final List<SequenceAttentionSpec> blocks;
    private final DeviceBuffer[][] rows; // [block][keys, values]
    private @Nullable Arena input; // owns the rows of the input; null before there are any
    private int inputRoom;
    private int inputLength;

    /// @param capacity rows of the output
    /// @param arena owns them
    SequenceMemory(ModelSpec spec, int capacity, Device device, Arena arena) {
        this.device = device;
        blocks = spec.blocks(SequenceAttentionSpec.class).toList();
        rows = blocks.stream()
                .map(block -> block.reach() == Reach.OUTPUT ? buffers(block, capacity, arena) : new DeviceBuffer[0])
                .toArray(DeviceBuffer[][]::new);
    }

    /// Returns the bytes of `positions` rows of the output, and as many of an input.
    static long bytes(ModelSpec spec, int positions) {
        return spec.blocks(SequenceAttentionSpec.class)
                .filter(block -> block.reach() != Reach.INPUT)
                .mapToLong(block ->
                        2L * Float.BYTES * positions * block.projections().key().rows())
                .sum();
    }

    /// Returns the bytes that will be allocated for an input of `length` tokens; 0 if there is room for it.
    long inputBytes(int length) {
        return length <= inputRoom ? 0 : inputBytes(blocks.stream(), length);
    }

    /// Returns the bytes of an input of `length` tokens.
    static long inputBytes(ModelSpec spec, int length) {
        return inputBytes(spec.blocks(SequenceAttentionSpec.class), length);
    }

    private static long inputBytes(Stream<SequenceAttentionSpec> blocks, int length) {
        return blocks.filter(block -> block.reach() == Reach.ACROSS)
                .mapToLong(block ->
                        2L * Float.BYTES * length * block.projections().key().rows())
                .sum();
    }

    long allocatedBytes() {
        long floats = 0;
        for (DeviceBuffer[] ofBlock : rows) {
            for (DeviceBuffer buffer : ofBlock) {
                floats += buffer.length();
            }
        }
        return Float.BYTES * floats;
    }

    /// Makes room for what the encoder will give for `length` tokens, in the place of what it gave before.
    public void beginInput(int length) {
        inputLength = 0;
        if (length > inputRoom) {
            close();
            allocateInput(length);
        }
        inputLength = length;
    }

    @SuppressWarnings("MustBeClosedChecker") // by what replaces it, and with this
    private void allocateInput(int length) {
        Arena next = device.newArena();
        input = next;
        for (int i = 0; i < rows.length; i++) {
            if (blocks.get(i).reach() == Reach.ACROSS) {
                rows[i] = buffers(blocks.get(i), length, next);
            }
        }
        inputRoom = length;
    }

    /// Frees the rows of the input.
    @Override
    public void close() {
        Arena outgrown = input;
        input = null;
        inputRoom = 0;
        if (outgrown != null) {
            outgrown.close();
        }
    }

    /// Returns how many tokens the encoder has read; 0 before it has.
    public int inputLength() {
        return inputLength;
    }

    /// Returns the keys of the `number`-th block of sequence attention.
    public DeviceBuffer keys(int number) {
        return rows[number][KEYS];
    }

    /// Returns the values of the `number`-th block of sequence attention.
    public DeviceBuffer values(int number) {
        return rows[number][VALUES];
    }

    private DeviceBuffer[] buffers(SequenceAttentionSpec block, int length, Arena arena) {
        int floats = Math.multiplyExact(length, block.projections().key().rows());
        return new DeviceBuffer[] {device.allocate(floats, arena), device.allocate(floats, arena)};
    }
}
