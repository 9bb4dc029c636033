package io.moetier.storage.cache;

import io.moetier.storage.model.ExpertId;
import java.util.Arrays;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Gives each layer an equal part of the slots, its quota, and has a policy of its own for each: an expert
/// that needs a slot takes it from its own layer if that has reached its quota, else from the layer furthest
/// above its own.
///
/// Where all of a layer are pinned, the next layer gives.
public final class LayerQuotaPolicy implements EvictionPolicy {
    private final IdIndex index;
    private final boolean[] resident;
    private final int[] positionOfLayer; // by layer number: into the arrays that follow; -1 where there is none
    private final int[][] idsOfLayer;
    private final EvictionPolicy[] policies;
    private final int[] quota;
    private final int[] numResident;

    /// @param inner makes the policy of each layer, which may have more residents than its quota for a while
    public LayerQuotaPolicy(int[] ids, int numSlots, PolicyFactory inner) {
        index = new IdIndex(ids);
        resident = new boolean[ids.length];
        int[] layers = Arrays.stream(ids).map(ExpertId::layerOf).distinct().toArray();
        positionOfLayer = new int[Arrays.stream(layers).max().orElse(-1) + 1];
        Arrays.fill(positionOfLayer, -1);
        idsOfLayer = new int[layers.length][];
        policies = new EvictionPolicy[layers.length];
        quota = new int[layers.length];
        numResident = new int[layers.length];
        for (int i = 0; i < layers.length; i++) {
            int layer = layers[i];
            positionOfLayer[layer] = i;
            idsOfLayer[i] = Arrays.stream(ids)
                    .filter(id -> ExpertId.layerOf(id) == layer)
                    .toArray();
            policies[i] = inner.create(idsOfLayer[i], Math.min(numSlots, idsOfLayer[i].length));
            quota[i] = numSlots / layers.length + (i < numSlots % layers.length ? 1 : 0);
        }
    }

    @Override
    public void onDecision(int[] ids, float @Nullable [] weights, int n) {
        if (n > 0) {
            policies[positionOf(ids[0])].onDecision(ids, weights, n);
        }
    }

    @Override
    public void onAccess(int id) {
        policies[positionOf(id)].onAccess(id);
    }

    @Override
    public void onInsert(int id) {
        int position = positionOf(id);
        resident[index.indexOf(id)] = true;
        numResident[position]++;
        policies[position].onInsert(id);
    }

    @Override
    public void onEvict(int id) {
        int position = positionOf(id);
        resident[index.indexOf(id)] = false;
        numResident[position]--;
        policies[position].onEvict(id);
    }

    @Override
    public int victim(int newcomer, IntPredicate pinned) {
        int own = positionOf(newcomer);
        int giver = -1;
        for (int i = 0; i < policies.length; i++) {
            if ((giver < 0 || excess(i, own) > excess(giver, own)) && canGive(i, pinned)) {
                giver = i;
            }
        }
        if (giver < 0) {
            throw new IllegalStateException("all resident experts are pinned");
        }
        return policies[giver].victim(newcomer, pinned);
    }

    @Override
    public boolean admits(int id, int victim) {
        int position = positionOf(id);
        return position != positionOf(victim) || policies[position].admits(id, victim);
    }

    /// Returns how far a layer is above its quota; the newcomer's `own`, once it has reached it, is above all others.
    private int excess(int position, int own) {
        int excess = numResident[position] - quota[position];
        return position == own && excess >= 0 ? Integer.MAX_VALUE : excess;
    }

    private boolean canGive(int position, IntPredicate pinned) {
        for (int id : idsOfLayer[position]) {
            if (resident[index.indexOf(id)] && !pinned.test(id)) {
                return true;
            }
        }
        return false;
    }

    /// Checks the id by looking it up.
    private int positionOf(int id) {
        return positionOfLayer[ExpertId.layerOf(index.id(index.indexOf(id)))];
    }
}
