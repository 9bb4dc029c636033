package io.moetier.lab.explain;

import io.moetier.lab.balance.ModalityBalance;
import io.moetier.lab.balance.ModalityTally;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Tier;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// Counts which experts tokens of images and of text choose, layer by layer.
public final class ModalityCounts implements RoutingListener {
    private final ModelSpec spec;
    private final SortedMap<Integer, ModalityTally> layers = new TreeMap<>();

    /// @param spec the model that the session runs
    public ModalityCounts(ModelSpec spec) {
        this.spec = spec;
    }

    @Override
    public void onRouting(int layer, Pass pass, int k, int[] ids, float[] weights, Tier[] foundIn) {
        int numExperts = spec.layers().get(layer).moe().orElseThrow().numExperts();
        ModalityTally tally = layers.computeIfAbsent(layer, _ -> new ModalityTally(numExperts));
        for (int i = 0; i < pass.n() * k; i++) {
            if (ids[i] >= 0 && ids[i] < numExperts) {
                Modality modality = pass.modality(pass.firstPosition() + i / k);
                tally.add(modality, ids[i]);
            }
        }
    }

    /// Returns how the two differ in each layer; nothing where no image, or no text, was among the tokens.
    public SortedMap<Integer, ModalityBalance> layers() {
        SortedMap<Integer, ModalityBalance> balances = new TreeMap<>();
        layers.forEach((layer, tally) -> tally.balance().ifPresent(of -> balances.put(layer, of)));
        return Collections.unmodifiableSortedMap(balances);
    }
}
