package io.moetier.storage.cache;

import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Predicts from the routers' decisions when each expert is used next, and evicts the one that is worth
/// least: its estimate of γ^T, T tokens counted from the next turn of its layer, times γ for the part of a
/// token until that turn. Where the caller can do without a slot, an expert worth less than the victim passes
/// by.
///
/// An expert that was decided on and is not accessed yet is kept like a pinned one, as long as there are
/// others. An access that no decision announced counts as a decision of its own.
///
/// Cost: a decision takes time in proportion to the layer's experts times the choices that precede it, a
/// victim in proportion to the layers plus the experts of one or two of them. Nothing is allocated after
/// construction.
public final class GatePolicy implements EvictionPolicy {
    private final ExpertLayers layers;
    private final NextUseEstimator estimator;
    private final EstimatedResidents residents;
    private final float[] delays; // γ^(d / layers), by the number d of layers until a turn
    private final boolean[] announced; // by cell: decided on and not accessed yet
    private final int[] decided; // the cells of the latest decision
    private final int[] experts; // the same, counted within their layer
    private final int[] single = new int[1];
    private final IntPredicate pinnedOrAnnounced = this::isPinnedOrAnnounced;
    private final IntPredicate pinnedOnly = this::isPinned;
    private IntPredicate pinned = _ -> false; // of the victim that is asked for
    private int numDecided;
    private int current; // the layer of the latest decision

    public GatePolicy(int[] ids, int numSlots) {
        layers = new ExpertLayers(ids);
        double gamma = gamma((double) numSlots / ids.length);
        estimator = new NextUseEstimator(layers, (float) gamma);
        residents = new EstimatedResidents(layers, estimator);
        int numLayers = layers.numLayers();
        delays = new float[numLayers + 1];
        for (int distance = 0; distance <= numLayers; distance++) {
            delays[distance] = (float) StrictMath.pow(gamma, (double) distance / numLayers);
        }
        announced = new boolean[layers.numCells()];
        decided = new int[layers.maxWidth()];
        experts = new int[layers.maxWidth()];
        current = numLayers - 1;
    }

    @Override
    public void onDecision(int[] ids, float @Nullable [] weights, int n) {
        if (n == 0) {
            return;
        }
        for (int i = 0; i < numDecided; i++) {
            announced[decided[i]] = false;
        }
        numDecided = n;
        for (int i = 0; i < n; i++) {
            decided[i] = layers.cell(ids[i]);
            announced[decided[i]] = true;
        }
        current = layers.layerOf(decided[0]);
        for (int i = 0; i < n; i++) {
            experts[i] = decided[i] - layers.firstCell(current);
        }
        estimator.observe(current, experts, weights, n);
        residents.estimatesChanged(current);
    }

    @Override
    public void onAccess(int id) {
        int cell = layers.cell(id);
        if (!announced[cell]) {
            single[0] = id;
            onDecision(single, null, 1);
        }
        announced[cell] = false;
    }

    @Override
    public void onInsert(int id) {
        residents.add(layers.cell(id));
    }

    @Override
    public void onEvict(int id) {
        residents.remove(layers.cell(id));
    }

    @Override
    public int victim(int newcomer, IntPredicate pinned) {
        this.pinned = pinned;
        int cell = leastWorthBut(pinnedOrAnnounced);
        if (cell == EstimatedResidents.NONE) {
            cell = leastWorthBut(pinnedOnly);
        }
        if (cell == EstimatedResidents.NONE) {
            throw new IllegalStateException("all resident experts are pinned");
        }
        return layers.id(cell);
    }

    @Override
    public boolean admits(int id, int victim) {
        return worth(layers.cell(id)) > worth(layers.cell(victim));
    }

    /// The more experts fit, the longer each may wait. On gpt-oss-20b and DeepSeek-V2-Lite 0.7 closes most of
    /// the gap at 6.25 and 12.5 % of the experts, 0.8 and 0.9 at 25 %, 0.9 at 50 %, 0.95 and 0.9 at 75 %; a
    /// step beside the best costs about 1 % of the gap.
    private static double gamma(double share) {
        return Math.min(0.7 + 0.4 * share, 0.95);
    }

    private int leastWorthBut(IntPredicate kept) {
        int best = EstimatedResidents.NONE;
        float leastWorth = Float.POSITIVE_INFINITY;
        int layer = current;
        for (int distance = 1; distance < delays.length; distance++) {
            layer = layer + 1 == layers.numLayers() ? 0 : layer + 1;
            float delay = delays[distance];
            if (residents.lowestEstimate(layer) * delay < leastWorth) {
                int cell = residents.lowest(layer);
                if (kept.test(cell)) {
                    cell = residents.lowestBut(layer, kept);
                }
                if (cell != EstimatedResidents.NONE && residents.estimate(layer, cell) * delay < leastWorth) {
                    best = cell;
                    leastWorth = residents.estimate(layer, cell) * delay;
                }
            }
        }
        return best;
    }

    /// Returns what it is worth now to have the expert of `cell`.
    private float worth(int cell) {
        int layer = layers.layerOf(cell);
        int distance = 1 + Math.floorMod(layer - current - 1, layers.numLayers());
        return residents.estimate(layer, cell) * delays[distance];
    }

    private boolean isPinned(int cell) {
        return pinned.test(layers.id(cell));
    }

    private boolean isPinnedOrAnnounced(int cell) {
        return announced[cell] || isPinned(cell);
    }
}
