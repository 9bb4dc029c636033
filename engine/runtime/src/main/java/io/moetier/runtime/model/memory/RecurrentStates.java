package io.moetier.runtime.model.memory;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.runtime.model.spec.MixerSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// The states of the blocks of one session that have any, recurrences and compressors: of constant size, and changed
/// by every token.
///
/// A state cannot go back to an earlier token. Instead, it was copied at two marks, and starts again from the later of
/// them that is not too late, or from nothing; what is between is to be computed again.
final class RecurrentStates {
    private static final int MARKS = 2;
    private static final int UNKNOWN = -1;

    private final Kernels kernels;
    private final DeviceBuffer[][] ofBlocks; // [block][part]
    private final DeviceBuffer[] all;
    private final DeviceBuffer[][] copies = new DeviceBuffer[MARKS][];
    private final int[] marked = new int[MARKS]; // position of each copy; 0 or UNKNOWN where there is none
    private int position; // tokens that the states have seen; UNKNOWN during a pass, and after one that failed

    RecurrentStates(ModelSpec spec, Device device, Arena arena) {
        kernels = device.kernels();
        ofBlocks = withStates(spec)
                .map(block -> buffers(block.states(), device, arena))
                .toArray(DeviceBuffer[][]::new);
        all = Arrays.stream(ofBlocks).flatMap(Arrays::stream).toArray(DeviceBuffer[]::new);
        List<Integer> sizes = Arrays.stream(all).map(DeviceBuffer::length).toList();
        for (int mark = 0; mark < MARKS; mark++) {
            copies[mark] = buffers(sizes, device, arena);
        }
    }

    private static Stream<MixerSpec> withStates(ModelSpec spec) {
        return spec.blocks(MixerSpec.class).filter(block -> !block.states().isEmpty());
    }

    private static DeviceBuffer[] buffers(List<Integer> sizes, Device device, Arena arena) {
        return sizes.stream().map(size -> device.allocate(size, arena)).toArray(DeviceBuffer[]::new);
    }

    /// Returns the bytes of a session's states and their copies.
    static long bytes(ModelSpec spec) {
        return (1 + MARKS)
                * withStates(spec)
                        .flatMap(block -> block.states().stream())
                        .mapToLong(floats -> (long) Float.BYTES * floats)
                        .sum();
    }

    /// Returns the parts of the state of the `number`-th block that has one.
    DeviceBuffer[] of(int number) {
        return ofBlocks[number];
    }

    /// Copies the states as they are; copy 0 or 1 is replaced.
    void mark(int mark) {
        marked[mark] = position;
        if (position > 0) {
            copy(all, copies[mark]);
        }
    }

    /// Goes back so far that the states have seen no token from `wanted` on, and returns how many they have seen.
    int resume(int wanted) {
        if (all.length == 0) {
            return wanted;
        }
        if (position != wanted) {
            position = 0;
            int from = UNKNOWN;
            for (int mark = 0; mark < MARKS; mark++) {
                if (marked[mark] > wanted) {
                    marked[mark] = UNKNOWN; // another text may follow
                } else if (marked[mark] > position) {
                    position = marked[mark];
                    from = mark;
                }
            }
            restore(from);
        }
        return position;
    }

    private void restore(int mark) {
        if (mark != UNKNOWN) {
            copy(copies[mark], all);
            return;
        }
        for (int i = 0; i < all.length; i++) {
            kernels.clear(all[i], all[i].length());
        }
    }

    private void copy(DeviceBuffer[] from, DeviceBuffer[] to) {
        for (int i = 0; i < from.length; i++) {
            kernels.copy(from[i], from[i].length(), to[i]);
        }
    }

    /// Begins a pass over tokens from `first` on, which may fail.
    ///
    /// @throws IllegalStateException if that is not where the states are
    void begin(int first) {
        if (all.length > 0 && position != first) {
            throw new IllegalStateException("the states are at " + position + ", not at " + first);
        }
        position = UNKNOWN;
    }

    /// Ends the pass; the states have seen `tokens` tokens.
    void finish(int tokens) {
        position = tokens;
    }
}
