package io.moetier.storage.expert;

import io.moetier.storage.model.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What lies where in the block of an expert. Experts with equal layouts form a size class.
public record BlockLayout(List<BlockPart> parts) {
    /// Blocks start at a multiple of this many bytes in their file, and slots in memory do as well.
    public static final int PAGE_BYTES = 4096;

    /// A layout without parts, to be grown by [#with].
    public static final BlockLayout EMPTY = new BlockLayout(List.of());

    /// @throws IllegalArgumentException if parts overlap, are out of order or share a name
    public BlockLayout {
        parts = List.copyOf(parts);
        long end = 0;
        for (BlockPart part : parts) {
            if (part.offset() < end) {
                throw new IllegalArgumentException(
                        "part " + part.name() + ": starts at " + part.offset() + ", inside the part before it");
            }
            end = part.endOffset();
        }
        if (parts.stream().map(BlockPart::name).distinct().count() != parts.size()) {
            throw new IllegalArgumentException("two parts of a block have one name: " + parts);
        }
    }

    /// Returns this layout with one more part at the next aligned offset.
    public BlockLayout with(String name, DType dtype, int rows, int cols, long byteLength) {
        List<BlockPart> longer = new ArrayList<>(parts);
        longer.add(new BlockPart(name, dtype, rows, cols, roundUp(blockBytes(), BlockPart.ALIGNMENT), byteLength));
        return new BlockLayout(longer);
    }

    /// Returns the part called `name`.
    ///
    /// @throws IllegalArgumentException if there is none
    public BlockPart part(String name) {
        return find(name)
                .orElseThrow(() -> new IllegalArgumentException("no part " + name + " in a block of "
                        + parts.stream().map(BlockPart::name).toList()));
    }

    /// Returns the part called `name`, if there is one.
    public Optional<BlockPart> find(String name) {
        return parts.stream().filter(part -> part.name().equals(name)).findFirst();
    }

    /// Returns the bytes of the payload, which is also what the checksum covers.
    public long blockBytes() {
        return parts.isEmpty() ? 0 : parts.getLast().endOffset();
    }

    /// Returns the bytes of memory that a block needs: the payload rounded up to whole pages.
    public long slotBytes() {
        return slotBytes(blockBytes());
    }

    static long slotBytes(long blockBytes) {
        return roundUp(blockBytes, PAGE_BYTES);
    }

    static long roundUp(long bytes, int unit) {
        return Math.addExact(bytes, unit - 1) / unit * unit;
    }
}
