package io.moetier.storage.cache;

import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Evicts the expert that is worth least by its [UseEstimator], which predicts from the routers' decisions when each is
/// used next. Where the caller can do without a slot, an expert worth less than the victim passes
/// by.
///
/// The experts of the latest decision are kept like pinned ones, as long as there are others. An access that
/// no decision announced counts as a decision of its own.
///
/// Cost: a decision takes time in proportion to the layer's experts times the choices that precede it and the numbers
/// of the context, a victim in proportion to the layers plus the experts of its layer. Nothing is allocated after
/// construction.
public final class GatePolicy implements EvictionPolicy {
    private final ExpertLayers layers;
    private final UseEstimator estimator;
    private final EstimatedResidents residents;
    private final boolean[] announced; // by cell: decided on and not accessed yet
    private final int[] experts; // of the latest decision, counted within their layer
    private final int[] single = new int[1];
    private final IntPredicate isPinned = this::isPinned;
    private IntPredicate pinned = _ -> false; // of the victim that is asked for
    private int current; // the layer of the latest decision
    private int numDecided;

    public GatePolicy(int[] ids, int numSlots) {
        estimator = new UseEstimator(ids, numSlots);
        layers = estimator.layers();
        residents = new EstimatedResidents(estimator);
        announced = new boolean[layers.numCells()];
        experts = new int[layers.maxWidth()];
    }

    @Override
    public UseEstimator estimator() {
        return estimator;
    }

    @Override
    public void onDecision(int[] ids, float @Nullable [] weights, int n) {
        if (n == 0) {
            return;
        }
        int layer = layers.layerOf(layers.cell(ids[0]));
        forgetDecision();
        for (int i = 0; i < n; i++) {
            int cell = layers.cell(ids[i]);
            experts[i] = cell - layers.firstCell(layer);
            announced[cell] = true;
            residents.hold(layer, experts[i]);
        }
        numDecided = n;
        current = layer;
        estimator.observe(ids, weights, n);
        residents.endTurn(layer);
    }

    private void forgetDecision() {
        for (int i = 0; i < numDecided; i++) {
            announced[layers.firstCell(current) + experts[i]] = false;
            residents.release(current, experts[i]);
        }
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
        int cell = residents.leastWorth();
        if (cell == EstimatedResidents.NONE || pinned.test(layers.id(cell))) {
            this.pinned = pinned;
            cell = residents.leastWorthBut(isPinned);
        }
        if (cell == EstimatedResidents.NONE) {
            cell = residents.leastWorthHeldBut(isPinned);
        }
        if (cell == EstimatedResidents.NONE) {
            throw new IllegalStateException("all resident experts are pinned");
        }
        return layers.id(cell);
    }

    @Override
    public boolean admits(int id, int victim) {
        return residents.worth(layers.cell(id)) > residents.worth(layers.cell(victim));
    }

    private boolean isPinned(int cell) {
        return pinned.test(layers.id(cell));
    }
}
