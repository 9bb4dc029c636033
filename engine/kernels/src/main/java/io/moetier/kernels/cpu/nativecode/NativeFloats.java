package io.moetier.kernels.cpu.nativecode;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Lends parts of arrays to native code, on one thread.
///
/// A segment that stands for an array is an object, unless the compiler sees through all that is done with it,
/// which cannot be relied on. A token alone is to allocate nothing, and few tokens little, so what they need of
/// arrays is copied to off-heap memory, which is a small share of what is computed with it. Long parts are lent
/// where they are, as where the vocabulary is of a quarter of a million; so are whole arrays of several columns
/// that are not short together.
final class NativeFloats {
    /// The length from which parts are not copied.
    private static final int LONG = 1 << 15;

    /// The length up to which several columns are copied, too.
    private static final int SHORT = 1 << 11;

    /// What tells native code that the only column starts where the memory does.
    static final MemorySegment AT_THE_START = Arena.global().allocateFrom(JAVA_INT, 0);

    private static final int ALIGNMENT = 64;
    private static final int ROOMS = 3;

    private final MemorySegment[] rooms = new MemorySegment[ROOMS];
    private final MemorySegment shortRoom = Arena.ofAuto().allocate(4L * SHORT, ALIGNMENT);
    private MemorySegment multiples = MemorySegment.NULL;
    private int multiplesOf;

    NativeFloats() {
        for (int room = 0; room < ROOMS; room++) {
            rooms[room] = MemorySegment.NULL;
        }
    }

    /// Returns memory with `array[at .. at + length]`, until the room is asked for again.
    ///
    /// @throws IndexOutOfBoundsException if the array has no such part
    MemorySegment lend(int room, float[] array, int at, int length) {
        MemorySegment lent = room(room, array, at, length);
        if (length < LONG) {
            MemorySegment.copy(array, at, lent, JAVA_FLOAT, 0, length);
        }
        return lent;
    }

    /// Returns memory as [#lend] does, without what is in the array, for results.
    MemorySegment room(int room, float[] array, int at, int length) {
        if (length >= LONG) {
            return MemorySegment.ofArray(array).asSlice(4L * at, 4L * length);
        }
        MemorySegment known = rooms[room];
        if (known.byteSize() >= 4L * length) {
            return known;
        }
        // Collected with this object, which a thread may leave behind.
        MemorySegment larger = Arena.ofAuto().allocate(Math.max(4L * length, 2 * known.byteSize()), ALIGNMENT);
        rooms[room] = larger;
        return larger;
    }

    /// Puts what native code wrote to a lent part into the array.
    void takeBack(int room, float[] array, int at, int length) {
        if (length < LONG) {
            MemorySegment.copy(rooms[room], JAVA_FLOAT, 0, array, at, length);
        }
    }

    /// Says whether columns of that many elements together are copied.
    static boolean isShort(int length) {
        return length <= SHORT;
    }

    /// Returns memory for the results of columns that are short together.
    MemorySegment shortRoom() {
        return shortRoom;
    }

    /// Puts a column's results, which start at element `from` of the short room, into the array.
    void takeBackShort(int from, float[] array, int at, int length) {
        MemorySegment.copy(shortRoom, JAVA_FLOAT, 4L * from, array, at, length);
    }

    /// Returns the first `count` multiples of `length` at least, as 32-bit integers.
    MemorySegment multiples(int count, int length) {
        boolean isLongEnough = multiples.byteSize() >= 4L * count;
        if (!isLongEnough || multiplesOf != length) {
            multiples = isLongEnough ? multiples : Arena.ofAuto().allocate(8L * count, ALIGNMENT);
            multiplesOf = length;
            for (int i = 0; 4L * i < multiples.byteSize(); i++) {
                multiples.setAtIndex(JAVA_INT, i, i * length);
            }
        }
        return multiples;
    }
}
