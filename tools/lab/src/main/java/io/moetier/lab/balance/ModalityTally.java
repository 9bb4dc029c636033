package io.moetier.lab.balance;

import io.moetier.storage.model.Modality;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/// Counts what tokens of text and of images chose in one layer.
public final class ModalityTally {
    private final Map<Modality, long[]> counts = new EnumMap<>(Modality.class);

    public ModalityTally(int numExperts) {
        for (Modality modality : Modality.values()) {
            counts.put(modality, new long[numExperts]);
        }
    }

    /// Counts a choice.
    public void add(Modality modality, int expert) {
        counts.get(modality)[expert]++;
    }

    /// Returns how the two differ, if tokens of both were there.
    public Optional<ModalityBalance> balance() {
        ModalityBalance balance = new ModalityBalance(counts.get(Modality.TEXT), counts.get(Modality.IMAGE));
        return Shares.sum(balance.text()) > 0 && Shares.sum(balance.image()) > 0
                ? Optional.of(balance)
                : Optional.empty();
    }
}
