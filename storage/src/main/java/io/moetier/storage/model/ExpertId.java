package io.moetier.storage.model;

/// Names one expert of a model: its decoder layer and its index within that layer, both counted from zero as
/// checkpoints number them.
///
/// Hot code carries the packed `int` instead of the record; packing keeps the order by layer, then expert.
public record ExpertId(int layer, int expert) implements Comparable<ExpertId> {
    /// Largest layer and largest expert index that the packed form holds.
    public static final int MAX_INDEX = 0xFFFF;

    /// @throws IllegalArgumentException if an index is negative or above [#MAX_INDEX]
    public ExpertId {
        if (layer < 0 || layer > MAX_INDEX / 2 || expert < 0 || expert > MAX_INDEX) {
            throw new IllegalArgumentException("no such expert: layer " + layer + ", expert " + expert);
        }
    }

    /// Packs layer and expert into one non-negative `int`.
    public static int pack(int layer, int expert) {
        return layer << 16 | expert;
    }

    /// Returns the expert that `packed` names.
    public static ExpertId unpack(int packed) {
        return new ExpertId(layerOf(packed), expertOf(packed));
    }

    /// Returns the layer of a packed id.
    public static int layerOf(int packed) {
        return packed >>> 16;
    }

    /// Returns the index within its layer of a packed id.
    public static int expertOf(int packed) {
        return packed & MAX_INDEX;
    }

    /// Returns this id in packed form.
    public int pack() {
        return pack(layer, expert);
    }

    @Override
    public int compareTo(ExpertId other) {
        return Integer.compare(pack(), other.pack());
    }

    @Override
    public String toString() {
        return "layer " + layer + " expert " + expert;
    }
}
