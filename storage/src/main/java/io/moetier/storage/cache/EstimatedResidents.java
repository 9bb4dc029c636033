package io.moetier.storage.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// The resident experts by layer and what each is worth: its estimate of γ^T, T tokens counted from the next
/// turn of its layer, times γ for the part of a token until that turn.
///
/// All is compared in logarithms. The bits of a positive float, read as an integer, are its logarithm with
/// straight lines between the powers of two; an expert's key is these bits, the lowest replaced by the
/// expert's number within its layer, so that the least key tells the expert too. Estimates that differ by less
/// than a thousandth count as equal, and the first expert goes before the others. Of each layer the least key
/// is known, and that of each block of its experts, so that little has to be looked through when an expert
/// leaves; and so is the worth of the least, in which turns are counted from the beginning of time: then it stays
/// as it is until that layer's turn.
final class EstimatedResidents {
    static final int NONE = -1;

    /// The key of an expert that may not leave, and what stands for its number.
    private static final int ABSENT = Integer.MAX_VALUE;

    /// Experts of a block.
    private static final int BLOCK = 16;

    /// What the bits of a float rise by when it is doubled.
    private static final int DOUBLING = 1 << 23;

    private final ExpertLayers layers;
    private final UseEstimator estimator;
    private final float[][] estimates; // [layers, experts], the estimator's
    private final boolean[] resident; // by cell
    private final boolean[] held; // by cell
    private final int numberMask; // of the bits of a key that are the expert's number
    private final int layerBits; // of the bits of a worth that are the layer
    private final long perTurn; // what a worth loses by a wait of one layer
    private final int[][] numbers; // [layers, experts]
    private final int[][] keys; // [layers, experts]
    private final int[][] leastOfBlocks; // [layers, blocks]: keys
    private final int[] leastKeys; // by layer
    private final long[] leastWorths; // by layer
    private int current; // the layer whose turn was the last

    EstimatedResidents(UseEstimator estimator) {
        this.estimator = estimator;
        layers = estimator.layers();
        estimates = estimator.estimates();
        int numLayers = layers.numLayers();
        resident = new boolean[layers.numCells()];
        held = new boolean[layers.numCells()];
        numberMask = mask(layers.maxWidth());
        layerBits = Integer.bitCount(mask(numLayers));
        perTurn = (long) StrictMath.rint(-DOUBLING * StrictMath.log(estimator.gamma()) / StrictMath.log(2) / numLayers);
        numbers = new int[numLayers][];
        keys = new int[numLayers][];
        leastOfBlocks = new int[numLayers][];
        for (int layer = 0; layer < numLayers; layer++) {
            numbers[layer] = new int[layers.width(layer)];
            Arrays.fill(numbers[layer], ABSENT);
            keys[layer] = numbers[layer].clone();
            leastOfBlocks[layer] = new int[Math.ceilDiv(layers.width(layer), BLOCK)];
            Arrays.fill(leastOfBlocks[layer], ABSENT);
        }
        leastKeys = new int[numLayers];
        Arrays.fill(leastKeys, ABSENT);
        leastWorths = new long[numLayers];
        Arrays.fill(leastWorths, Long.MAX_VALUE);
        current = numLayers - 1;
    }

    void add(int cell) {
        resident[cell] = true;
        if (!held[cell]) {
            int layer = layers.layerOf(cell);
            offer(layer, cell - layers.firstCell(layer));
        }
    }

    void remove(int cell) {
        resident[cell] = false;
        if (!held[cell]) {
            int layer = layers.layerOf(cell);
            withdraw(layer, cell - layers.firstCell(layer));
        }
    }

    /// Keeps an expert of `layer` from leaving, resident or not, until [#release(int, int)]. To be followed by
    /// [#endTurn(int)].
    void hold(int layer, int expert) {
        held[layers.firstCell(layer) + expert] = true;
        numbers[layer][expert] = ABSENT;
    }

    void release(int layer, int expert) {
        int cell = layers.firstCell(layer) + expert;
        held[cell] = false;
        if (resident[cell]) {
            offer(layer, expert);
        }
    }

    /// Must be told when the estimator has heard of a decision of `layer`: its estimates have changed, and the turns of
    /// the layers since the one before have passed.
    void endTurn(int layer) {
        do {
            current = current + 1 == leastKeys.length ? 0 : current + 1;
            setLeast(current, leastKeys[current]);
        } while (current != layer);
        makeKeys(estimates[layer], numbers[layer], ~numberMask, keys[layer]);
        setLeast(layer, findLeast(keys[layer], leastOfBlocks[layer]));
    }

    /// Returns the cell of the expert that is worth least among those that are resident and not held, or
    /// [#NONE].
    int leastWorth() {
        long least = least(leastWorths);
        if (least == Long.MAX_VALUE) {
            return NONE;
        }
        int layer = (int) least & ((1 << layerBits) - 1);
        return layers.firstCell(layer) + (leastKeys[layer] & numberMask);
    }

    /// Does as [#leastWorth()], but passes over the cells for which `kept` is true.
    int leastWorthBut(IntPredicate kept) {
        int best = NONE;
        long least = Long.MAX_VALUE;
        for (int layer = 0; layer < keys.length; layer++) {
            if (leastWorths[layer] < least) {
                int first = layers.firstCell(layer);
                for (int key : keys[layer]) {
                    if (key != ABSENT && worth(layer, key) < least && !kept.test(first + (key & numberMask))) {
                        best = first + (key & numberMask);
                        least = worth(layer, key);
                    }
                }
            }
        }
        return best;
    }

    /// Does as [#leastWorthBut(IntPredicate)] where all but the held have to stay.
    int leastWorthHeldBut(IntPredicate kept) {
        int best = NONE;
        for (int cell = 0; cell < held.length; cell++) {
            if (held[cell] && resident[cell] && !kept.test(cell) && (best == NONE || worth(cell) < worth(best))) {
                best = cell;
            }
        }
        return best;
    }

    /// Returns a number that is greater the more it is worth now to have the expert of `cell`.
    long worth(int cell) {
        int layer = layers.layerOf(cell);
        return worth(layer, key(layer, cell - layers.firstCell(layer)));
    }

    private long worth(int layer, int key) {
        return (((key & ~numberMask) - estimator.turn(layer) * perTurn) << layerBits) | layer;
    }

    private int key(int layer, int expert) {
        return (Float.floatToRawIntBits(estimates[layer][expert]) & ~numberMask) | expert;
    }

    private void offer(int layer, int expert) {
        int key = key(layer, expert);
        numbers[layer][expert] = expert;
        keys[layer][expert] = key;
        int[] leastOfBlock = leastOfBlocks[layer];
        leastOfBlock[expert / BLOCK] = Math.min(leastOfBlock[expert / BLOCK], key);
        if (key < leastKeys[layer]) {
            setLeast(layer, key);
        }
    }

    private void withdraw(int layer, int expert) {
        int key = keys[layer][expert];
        numbers[layer][expert] = ABSENT;
        keys[layer][expert] = ABSENT;
        int[] leastOfBlock = leastOfBlocks[layer];
        int block = expert / BLOCK;
        if (key == leastOfBlock[block]) {
            leastOfBlock[block] = least(keys[layer], block * BLOCK, Math.min((block + 1) * BLOCK, keys[layer].length));
        }
        if (key == leastKeys[layer]) {
            setLeast(layer, least(leastOfBlock, 0, leastOfBlock.length));
        }
    }

    private void setLeast(int layer, int key) {
        leastKeys[layer] = key;
        leastWorths[layer] = key == ABSENT ? Long.MAX_VALUE : worth(layer, key);
    }

    private static void makeKeys(float[] estimates, int[] numbers, int estimateMask, int[] keys) {
        for (int i = 0; i < estimates.length; i++) {
            keys[i] = (Float.floatToRawIntBits(estimates[i]) & estimateMask) | numbers[i];
        }
    }

    /// Writes the least key of each block, and returns the least of all.
    private static int findLeast(int[] keys, int[] leastOfBlocks) {
        int least = ABSENT;
        for (int block = 0; block < leastOfBlocks.length; block++) {
            int ofBlock = least(keys, block * BLOCK, Math.min((block + 1) * BLOCK, keys.length));
            leastOfBlocks[block] = ofBlock;
            least = Math.min(least, ofBlock);
        }
        return least;
    }

    /// Compares in four strands side by side: in one alone each comparison would wait for the one before.
    private static int least(int[] keys, int from, int to) {
        int a = ABSENT;
        int b = ABSENT;
        int c = ABSENT;
        int d = ABSENT;
        int i = from;
        for (; i + 3 < to; i += 4) {
            a = Math.min(a, keys[i]);
            b = Math.min(b, keys[i + 1]);
            c = Math.min(c, keys[i + 2]);
            d = Math.min(d, keys[i + 3]);
        }
        for (; i < to; i++) {
            a = Math.min(a, keys[i]);
        }
        return Math.min(Math.min(a, b), Math.min(c, d));
    }

    private static long least(long[] worths) {
        long a = Long.MAX_VALUE;
        long b = Long.MAX_VALUE;
        long c = Long.MAX_VALUE;
        long d = Long.MAX_VALUE;
        int i = 0;
        for (; i + 3 < worths.length; i += 4) {
            a = Math.min(a, worths[i]);
            b = Math.min(b, worths[i + 1]);
            c = Math.min(c, worths[i + 2]);
            d = Math.min(d, worths[i + 3]);
        }
        for (; i < worths.length; i++) {
            a = Math.min(a, worths[i]);
        }
        return Math.min(Math.min(a, b), Math.min(c, d));
    }

    /// Returns the bits that numbers below `n` need.
    private static int mask(int n) {
        return n <= 1 ? 0 : 2 * Integer.highestOneBit(n - 1) - 1;
    }
}
