package io.moetier.runtime.slots;

/// How many slots of a tier were given back, because memory was needed for something else, and taken again later.
public record SlotMoves(Moved givenBack, Moved takenAgain) {
    /// Nothing has moved.
    static final SlotMoves NONE = new SlotMoves(Moved.NONE, Moved.NONE);

    /// Slots that moved in one direction.
    ///
    /// @param firstNanos since the tier was opened
    /// @param lastNanos since the tier was opened
    public record Moved(int slots, long bytes, long firstNanos, long lastNanos) {
        static final Moved NONE = new Moved(0, 0, 0, 0);

        private Moved plus(int moreSlots, long moreBytes, long nanos) {
            return plus(new Moved(moreSlots, moreBytes, nanos, nanos));
        }

        private Moved plus(Moved other) {
            if (slots == 0 || other.slots == 0) {
                return slots == 0 ? other : this;
            }
            return new Moved(
                    slots + other.slots,
                    bytes + other.bytes,
                    Math.min(firstNanos, other.firstNanos),
                    Math.max(lastNanos, other.lastNanos));
        }
    }

    /// Returns what moved here and there.
    public SlotMoves plus(SlotMoves other) {
        return new SlotMoves(givenBack.plus(other.givenBack), takenAgain.plus(other.takenAgain));
    }

    SlotMoves withGiven(int slots, long bytes, long nanos) {
        return new SlotMoves(givenBack.plus(slots, bytes, nanos), takenAgain);
    }

    SlotMoves withTaken(int slots, long bytes, long nanos) {
        return new SlotMoves(givenBack, takenAgain.plus(slots, bytes, nanos));
    }

    /// Returns how many slots are away.
    public int numAway() {
        return givenBack.slots() - takenAgain.slots();
    }
}
